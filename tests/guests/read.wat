;; A gate that reads {length} bytes of the artifact `{id}` ({id_bytes} bytes) from byte {offset}
;; on. What it gets is its summary; an error of the host's is its own.
(module
  (import "sluice:gate/artifacts@0.1.0" "read" (func $read (param i32 i32 i64 i32 i32)))
  (memory (export "memory") {pages})
  (data (i32.const 512) "{id}")
  (data (i32.const 768) "{}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
  (func (export "sluice:gate/evaluator@0.1.0#evaluate")
    (param i32 i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32)
    (call $read (i32.const 512) (i32.const {id_bytes}) (i64.const {offset}) (i32.const {length}) (i32.const 128))
    (if (i32.load8_u (i32.const 128)) (then
      (i32.store8 (i32.const 256) (i32.const 1))
      (i32.store (i32.const 260) (i32.load (i32.const 132)))
      (i32.store (i32.const 264) (i32.load (i32.const 136)))
      (return (i32.const 256))))
    (i32.store (i32.const 264) (i32.load (i32.const 132)))
    (i32.store (i32.const 268) (i32.load (i32.const 136)))
    (i32.store (i32.const 280) (i32.const 768))
    (i32.store (i32.const 284) (i32.const 2))
    i32.const 256))
