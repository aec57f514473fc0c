;; A reducer whose `init` answers with an error: {bytes} bytes from address {at}, filled with
;; the byte {fill} from 65536 on.
(module
  (memory (export "memory") {pages})
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (memory.fill (i32.const 65536) (i32.const {fill}) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
    (i32.store8 (i32.const 16) (i32.const {tag}))
    (i32.store (i32.const 20) (i32.const {at}))
    (i32.store (i32.const 24) (i32.const {bytes}))
    i32.const {answer})
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
