;; A reducer that creates missions and then, at the first event, does {what}.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32) i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) {what}))
