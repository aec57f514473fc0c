;; A scrubber that blocks, with the text as its summary and the data as its data.
(module
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 15)) (i32.const -8))))
  (func (export "sluice:scrubber/text@0.1.0#scrub") (param i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 260) (i32.const 1))
    (i32.store (i32.const 264) (local.get 0))
    (i32.store (i32.const 268) (local.get 1))
    (i32.store (i32.const 280) (local.get 2))
    (i32.store (i32.const 284) (local.get 3))
    i32.const 256))
