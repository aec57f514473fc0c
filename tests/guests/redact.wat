;; A scrubber that points at {count} stretches of the text: bytes {start} to {end}, and each next
;; one {step} bytes further, with the confidence {confidence}.
;;
;; Layout: 256 answer, 512 words, 65536 redactions.
(module
  (memory (export "memory") {pages})
  (data (i32.const 512) "secret[gone]{}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
  (func $point (param $at i32) (param $start i32) (param $end i32)
    (i32.store (local.get $at) (i32.const 512))
    (i32.store offset=4 (local.get $at) (i32.const 6))
    (i32.store offset=8 (local.get $at) (local.get $start))
    (i32.store offset=12 (local.get $at) (local.get $end))
    (f32.store offset=16 (local.get $at) (f32.const {confidence}))
    (i32.store offset=20 (local.get $at) (i32.const 518))
    (i32.store offset=24 (local.get $at) (i32.const 6)))
  (func (export "sluice:scrubber/text@0.1.0#scrub") (param i32 i32 i32 i32) (result i32)
    (local $index i32)
    (loop $again
      (if (i32.lt_u (local.get $index) (i32.const {count})) (then
        (call $point
          (i32.add (i32.const 65536) (i32.mul (local.get $index) (i32.const 28)))
          (i32.add (i32.const {start}) (i32.mul (local.get $index) (i32.const {step})))
          (i32.add (i32.const {end}) (i32.mul (local.get $index) (i32.const {step}))))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $again))))
    ;; The report: ok; not blocked; summary; redactions; data.
    (i32.store (i32.const 264) (i32.const 512))
    (i32.store (i32.const 268) (i32.const 6))
    (i32.store (i32.const 272) (i32.const 65536))
    (i32.store (i32.const 276) (i32.const {count}))
    (i32.store (i32.const 280) (i32.const 524))
    (i32.store (i32.const 284) (i32.const 2))
    i32.const 256))
