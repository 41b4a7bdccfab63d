#!/bin/sh
# Cargo calls this in place of rustc (RUSTC_WRAPPER). It instruments this crate, the targets and Arrow's readers for libFuzzer and
# AddressSanitizer. Polars reads none of the files and would take most of an hour to instrument: it is compiled as usual.
rustc=$1
shift
case " $* " in
*" --crate-name build_script_"*) ;;
*" fuzz_targets/"* | *" examples/"* | *" --crate-name polargram "* | *" --crate-name arrow_"* | *" --crate-name parquet "*)
	set -- "$@" --cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
		-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
		-Cllvm-args=-sanitizer-coverage-trace-compares
	;;
esac
exec "$rustc" "$@"
