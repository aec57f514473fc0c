;; A reducer that does one thing with WASI {times} times in `init`: {what}.
(module
  (import "wasi:clocks/wall-clock@0.2.3" "now" (func $wall (param i32)))
  (import "wasi:random/random@0.2.3" "get-random-u64" (func $random (result i64)))
  (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 4096) "a line of output\n")
  (global $out (mut i32) (i32.const 0))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 65536)
  (func (export "sluice:mission/reducer@0.1.0#init") (result i32)
    (local $left i32)
    (global.set $out (call $stdout))
    (local.set $left (i32.const {times}))
    (loop $again
      (if (local.get $left) (then
        {what}
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $again))))
    i32.const 0)
  (func (export "sluice:mission/reducer@0.1.0#on-event")
    (param i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) i32.const 0))
