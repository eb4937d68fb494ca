#!/usr/bin/env bash
# The first run on a GPU: what is installed, whether it computes rightly, and how fast, in at most eight minutes.
#
#   benchmarks/first_gpu_run.sh [--device cuda] [--output FOLDER] [--quick] [--fresh]
#
# Every stage is a process of its own, says one line and leaves FOLDER/STAGE.json; one that is there is not run again
# without --fresh. A stage that fails holds up no other; the exit status is 1 then. `--device cpu --quick` rehearses it
# all. PYTHON names the interpreter; i2s-trt itself need not be installed.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-python3}
output=$root/benchmarks/results/first-gpu-run
words=()
while (($#)); do
    case $1 in
    --device) words+=(--device "${2:?a device is cuda, cuda:N or cpu}"); shift 2 ;;
    --output) output=$(realpath -m "${2:?name a folder}"); shift 2 ;;
    --quick | --fresh) words+=("$1"); shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "no option $1: there are --device, --output, --quick and --fresh" >&2; exit 2 ;;
    esac
done

mkdir -p "$output/logs" && cd "$root" || exit 3
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
missing=$("$python" -c 'import sys; from importlib.util import find_spec
print(*(name for name in sys.argv[1:] if find_spec(name) is None))' torch numpy pydantic safetensors) || exit 3
if [[ $missing ]]; then
    echo "nothing runs without $missing: pip install $missing" >&2
    echo "  without a network: pip install --no-index --find-links FOLDER-OF-WHEELS $missing" >&2
    exit 3
fi

declare -A seconds=([environment]=40 [correctness]=110 [tests]=75 [step]=95 [embed]=95 [synthesis]=65)
failures=0
for stage in environment correctness tests step embed synthesis; do
    timeout --foreground --kill-after=5 "${seconds[$stage]}" "$python" -m benchmarks.first_run "$stage" \
        --output "$output" ${words[@]+"${words[@]}"} 2>"$output/logs/$stage.log"
    status=$?
    case $status in
    0) continue ;;
    4) failures=1; continue ;; # it has said what is wrong
    130) exit 130 ;;
    124 | 137) reason="it was stopped after ${seconds[$stage]} s" ;;
    *) reason="it died with exit status $status: see logs/$stage.log" ;;
    esac
    failures=1
    printf '{"stage": "%s", "reason": "%s"}\n' "$stage" "$reason" >"$output/$stage.failed.json"
    printf '%-12s WRONG %s\n' "$stage" "$reason"
done
exit $failures
