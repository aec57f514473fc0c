;; A gate that passes what belongs to a mission whose id is short, as the first call's is, and else traps: ids that the
;; host gives have 36 characters.
;;
;; Layout: 256 answer, 512 `x`, 768 `{}`.
(module
  (memory (export "memory") 4)
  (data (i32.const 512) "x")
  (data (i32.const 768) "{}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
  (func (export "sluice:gate/evaluator@0.1.0#evaluate")
    (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32)
    (if (i32.gt_u (local.get 3) (i32.const 20)) (then unreachable))
    (i32.store (i32.const 264) (i32.const 512))
    (i32.store (i32.const 268) (i32.const 1))
    (i32.store (i32.const 272) (i32.const 1024))
    (i32.store (i32.const 276) (i32.const 0))
    (i32.store (i32.const 280) (i32.const 768))
    (i32.store (i32.const 284) (i32.const 2))
    i32.const 256))
