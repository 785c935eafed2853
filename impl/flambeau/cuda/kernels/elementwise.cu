// The template a module of elementwise kernels is made from: templates.py repeats the functor for each operation.
#include "elementwise.cuh"

namespace flambeau::ops {

//{ functor
struct $functor {
  static constexpr int parameters = $parameter_count;
  static constexpr unsigned masks = $masks;  // a bit for each operand that is bool whatever T is
  template <class T> using Parameter = $parameter;
  template <class T> static FLAMBEAU_DEVICE auto apply($arguments) {
#line 1 "$name.cuda"
    return $body;
  }
};
//} functor

}  // namespace flambeau::ops
