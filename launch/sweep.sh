#!/usr/bin/env bash
# Trains one run per cell of a grid of options, then builds one ensemble of all cells and prints their scores.
#   launch/sweep.sh my.yaml --axis train.lr=1e-4,1e-3 --axis train.batch=12,32 --out runs/sweep
# A cell's folder is DIR/<cell>, its log DIR/<cell>.log. The same command resumes. A cell that fails does not end the others.
# Exit codes: 0 done, 2 usage, 5 some cells failed, 75 stopped on request (SIGUSR1, SIGINT or SIGTERM to this script);
# otherwise that of pleat ensemble.
set -euo pipefail
shopt -s extglob
usage="usage: launch/sweep.sh CONFIG.yaml --axis KEY=VALUE,VALUE... [--axis ...] --out DIR [--hosts FILE [--per-host]] [--ranks N] [--list | --gather] [-- ARGS of pleat train]"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/mpi_env.sh
source "$here/mpi_env.sh"
# shellcheck source=launch/program.sh
source "$here/program.sh"

fail() {
  echo "sweep.sh: $1" >&2
  exit 2
}

# Sets `values`: $1 split at its commas, but not within [] and {}.
split_values() {
  local text=$1 depth=0 i letter
  values=('')
  for ((i = 0; i < ${#text}; i++)); do
    letter=${text:i:1}
    case $letter in
      '[' | '{') depth=$((depth + 1)) ;;
      ']' | '}') depth=$((depth - 1)) ;;
      ,) if [ "$depth" -eq 0 ]; then values+=('') && continue; fi ;;
    esac
    values[-1]+=$letter
  done
}

# Sets `names` and `settings`, one element a cell: its name and its --set options, quoted for the shell.
make_cells() {
  local axis key value i old_names old_settings
  names=('') settings=('')
  for axis in "${axes[@]}"; do
    key=${axis%%=*}
    split_values "${axis#*=}"
    old_names=("${names[@]}") old_settings=("${settings[@]}") names=() settings=()
    for i in "${!old_names[@]}"; do
      for value in "${values[@]}"; do
        [ -n "$value" ] || fail "--axis $axis has an empty value; expected KEY=VALUE,VALUE such as train.lr=1e-4,1e-3"
        names+=("${old_names[i]:+${old_names[i]}_}$key=$value")
        settings+=("${old_settings[i]}--set $(quoted "$key=$value") ")
      done
    done
  done
  names=("${names[@]//+([^A-Za-z0-9._=+-])/-}")
  local twice
  twice=$(printf '%s\n' "${names[@]}" | sort | uniq -d | head -1)
  [ -z "$twice" ] || fail "two cells would have the folder $twice; give each value once, and values that differ in more than punctuation"
}

# Sets `arguments`: those of pleat for cell $1.
cell_arguments() {
  eval "arguments=(${settings[$1]})"
  arguments=(train "$config" "${arguments[@]}" "${extra[@]}" --run "$out/${names[$1]}")
}

# Trains the cells that no other worker has taken, one after another, on the hosts of file $1 or, if it is empty, on this
# machine. Returns 75 after a stop. Each run is in a session of its own: Ctrl-C then reaches this script alone.
work() {
  local hosts=$1 stopped=no child='' i code begin error
  trap 'stopped=yes; [ -z "$child" ] || kill -USR1 "$child" 2>/dev/null || true' USR1
  trap : INT TERM HUP  # the script itself turns these into SIGUSR1
  for i in "${!names[@]}"; do
    [ "$stopped" = no ] || return 75
    mkdir "$state/$i" 2>/dev/null || continue
    cell_arguments "$i"
    if [ -z "$hosts" ]; then launcher=(env ${ranks:+PLEAT_RANKS="$ranks"} "$here/local.sh")
    else launcher=(mpirun --bind-to none --hostfile "$hosts" ${ranks:+-n "$ranks"} "$program"); fi
    begin=$SECONDS code=0
    setsid "${launcher[@]}" "${arguments[@]}" >>"$out/${names[i]}.log" 2>&1 </dev/null &
    child=$!
    [ "$stopped" = no ] || kill -USR1 "$child" 2>/dev/null || true  # it came before the child was known
    wait "$child" || code=$?
    while kill -0 "$child" 2>/dev/null; do code=0 && wait "$child" || code=$?; done  # a signal ends `wait` early
    child=
    if [ "$stopped" = yes ] || [ "$code" -eq 75 ]; then return 75; fi
    echo "$code" >"$state/$i/code"
    if [ "$code" -eq 0 ]; then
      echo "sweep.sh: cell $((i + 1)) of ${#names[@]}, ${names[i]}: done in $((SECONDS - begin)) s"
    else
      error=$(grep ' E ' "$out/${names[i]}.log" | tail -1) || true
      echo "sweep.sh: cell $((i + 1)) of ${#names[@]}, ${names[i]}: failed with exit code $code; see $out/${names[i]}.log${error:+: $error}" >&2
    fi
  done
}

train_cells() {
  local workers=() code result=0 line hostfiles=("$hosts")
  if [ -n "$per_host" ]; then
    hostfiles=()
    while read -r line; do
      hostfiles+=("$state/host_${#hostfiles[@]}")
      echo "$line" >"${hostfiles[-1]}"
    done < <(sed 's/#.*//' "$hosts" | grep '[^[:space:]]')
  fi
  trap '[ ${#workers[@]} -eq 0 ] || kill -USR1 "${workers[@]}" 2>/dev/null || true' USR1 INT TERM HUP
  for line in "${hostfiles[@]}"; do
    work "$line" &
    workers+=($!)
  done
  for line in "${workers[@]}"; do
    code=0
    wait "$line" || code=$?
    while kill -0 "$line" 2>/dev/null; do code=0 && wait "$line" || code=$?; done
    [ "$code" -eq 0 ] || result=$code
  done
  trap - USR1 INT TERM HUP
  if [ "$result" -eq 75 ]; then
    echo "sweep.sh: stopped; the same command resumes" >&2
    exit 75
  elif [ "$result" -ne 0 ]; then
    echo "sweep.sh: a worker ended with code $result; see the messages above" >&2
    exit "$result"
  fi
}

# Prints the OOF score of each run given, best first. `score` in summary.json is higher for better, whatever it measures.
print_table() {
  python3 - "$@" <<'PYTHON'
import json, pathlib, sys

rows = []
for folder in map(pathlib.Path, sys.argv[1:]):
    summary = json.loads((folder / "summary.json").read_text())
    sign = -1 if summary["score"] == "log_loss" else 1  # `score` is higher for better
    scores = {name: sign * target["oof"]["score"] for name, target in summary["targets"].items()}
    rows.append((sign * sum(scores.values()) / len(scores), folder.name, scores, summary["score"], sign))
rows.sort(key=lambda row: (-row[0], row[1]))
width = max(len(row[1]) for row in rows)
for mean, name, scores, kind, sign in rows:
    each = "" if len(scores) == 1 else "  " + "  ".join(f"{target} {score:.4f}" for target, score in scores.items())
    print(f"{name:{width}}  OOF {kind} {sign * mean:.4f}{each}")
PYTHON
}

config='' out='' hosts='' ranks='' per_host='' only='' axes=() extra=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage" && exit 0 ;;
    --axis | --out | --hosts | --ranks)
      [ $# -ge 2 ] || fail "$1 needs a value; $usage"
      case $1 in
        --axis)
          [[ $2 =~ ^[A-Za-z0-9_.[]+[]A-Za-z0-9_.]*=. ]] || fail "--axis is '$2'; expected KEY=VALUE,VALUE such as train.lr=1e-4,1e-3"
          [[ ! ${2#*=} =~ ^(log|lin): ]] || fail "--axis $2: this script takes lists alone; pleat sweep takes ranges"
          axes+=("$2")
          ;;
        --out) out=${2%/} ;;
        --hosts) [ -r "$2" ] || fail "cannot read --hosts $2; expected a file such as launch/hostfile.example" && hosts=$2 ;;
        --ranks) [[ $2 =~ ^[1-9][0-9]*$ ]] || fail "--ranks is '$2'; expected a number from 1" && ranks=$2 ;;
      esac
      shift ;;
    --per-host) per_host=yes ;;
    --list | --gather) only=$1 ;;
    --) extra=("${@:2}") && break ;;
    -*) fail "unknown option $1; options of pleat train go after --; $usage" ;;
    *) [ -z "$config" ] || fail "two configs, $config and $1; expected one; $usage" && config=$1 ;;
  esac
  shift
done
[ -n "$config" ] || fail "no config; $usage"
[ "${#axes[@]}" -gt 0 ] || fail "no --axis; expected at least one, such as --axis train.lr=1e-4,1e-3"
[ -n "$out" ] || fail "no --out; give the folder for the cells, such as --out runs/sweep"
[ -z "$per_host" ] || [ -n "$hosts" ] || fail "--per-host needs --hosts FILE, with one host a line"
make_cells

if [ "$only" = --list ]; then
  for i in "${!names[@]}"; do echo "${settings[i]}$(quoted "${extra[@]}" --run "$out/${names[i]}")"; done
  exit 0
fi
[ -r "$config" ] || fail "cannot read $config; expected a config such as configs/quickstart.yaml"
program=$(find_program)
mkdir -p "$out"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
[ "$only" = --gather ] || train_cells

finished=() missing=()
for i in "${!names[@]}"; do
  if [ -f "$out/${names[i]}/summary.json" ] && [ "$(cat "$state/$i/code" 2>/dev/null || echo 0)" -eq 0 ]; then finished+=("$out/${names[i]}")
  else missing+=("${names[i]}"); fi
done
[ "${#finished[@]}" -gt 0 ] || { echo "sweep.sh: no cell of $out has finished, so there is no ensemble" >&2 && exit 5; }
"$program" ensemble "${finished[@]}" --out "$out/ensemble" || code=$?
print_table "${finished[@]}"
[ "${#missing[@]}" -eq 0 ] || { echo "sweep.sh: not finished: ${missing[*]}" >&2 && exit 5; }
exit "${code:-0}"
