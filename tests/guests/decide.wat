;; A gate that decides {outcome} (0 pass, 1 fail, 2 needs-human), without findings, with the summary `{summary}` of
;; {bytes} bytes.
;;
;; Layout: 256 answer, 512 summary, 768 `{}`.
(module
  (memory (export "memory") 4)
  (data (i32.const 512) "{summary}")
  (data (i32.const 768) "{}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
  (func (export "sluice:gate/evaluator@0.1.0#evaluate")
    (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32)
    (i32.store8 (i32.const 260) (i32.const {outcome}))
    (i32.store (i32.const 264) (i32.const 512))
    (i32.store (i32.const 268) (i32.const {bytes}))
    (i32.store (i32.const 272) (i32.const 1024))
    (i32.store (i32.const 276) (i32.const 0))
    (i32.store (i32.const 280) (i32.const 768))
    (i32.store (i32.const 284) (i32.const 2))
    i32.const 256))
