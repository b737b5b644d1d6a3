#!/usr/bin/env bash
# Runs pleat on all of this machine: chooses the ranks, names the choice in one line, and replaces itself by the program.
# Signals and exit codes are those of mpirun, or of pleat if one rank is enough.
set -euo pipefail
usage="usage: launch/local.sh VERB ARGS...   runs pleat VERB ARGS on all cores or CUDA devices of this machine (PLEAT_RANKS=N: on N ranks; PLEAT=FILE: this program)"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=launch/mpi_env.sh
source "$here/mpi_env.sh"
# shellcheck source=launch/program.sh
source "$here/program.sh"

fail() {
  echo "local.sh: $2" >&2
  exit "$1"
}

# Cores that this process may use: those of its CPU mask, or fewer by a cgroup quota.
usable_cores() {
  local cores
  cores=$(CUDA_VISIBLE_DEVICES='' "$program" doctor 2>/dev/null |
    awk '/^  rank /{at = index($0, "usable")} /^  0 /{if (at) print substr($0, at) + 0}') || true
  [ "${cores:-0}" -ge 1 ] || cores=$(nproc)
  echo "$cores"
}

# More ranks than these need --oversubscribe: mpirun does not count hardware threads.
physical_cores() { lscpu -p=Core,Socket 2>/dev/null | grep -v '^#' | sort -u | wc -l; }

cuda_devices() {
  if ! command -v nvidia-smi >/dev/null; then echo 0
  elif [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then tr , '\n' <<<"$CUDA_VISIBLE_DEVICES" | grep -c '^[^-]' || true  # -1 and "": none
  else nvidia-smi -L 2>/dev/null | grep -c '^GPU ' || true
  fi
}

# Sets `config`: the config file, and the --set options, of the verbs train and sweep.
find_config() {
  config=()
  local options=() file=
  while [ $# -gt 0 ]; do
    case $1 in
      --set) options+=(--set "${2:-}"); shift ;;
      --set=*) options+=("$1") ;;
      --run | --axis | --random | --trials) shift ;;
      -*) ;;
      *) [ -n "$file" ] || file=$1 ;;
    esac
    [ $# -eq 0 ] || shift
  done
  if [ -n "$file" ]; then config=("$file" "${options[@]}"); fi
}

# Prints one value of the config's section `cluster`.
cluster_value() { awk -v key="$1:" '/^cluster:/{inside = 1; next} /^[^ ]/{inside = 0} inside && $1 == key {print $2}' <<<"$full"; }

# Sets shards, threads and device from the config.
read_config() {
  find_config "${@:2}"
  full=$("$program" config "${config[@]}" 2>/dev/null) || full=   # the dry run, or the run, then gives the error
  [ -n "$full" ] || return 0
  shards=$(cluster_value shards) threads=$(cluster_value threads) device=$(cluster_value device)
}

# The number of megabytes before a word in the dry run's line on a rank's memory, rounded up.
megabytes_before() {
  sed -n -E "s/^memory +about(.*[ (])([0-9.]+) (MB|GB|TB) $1\b.*/\2 \3/p" <<<"$plan" |
    awk '{print int($1 * ($2 == "GB" ? 1000 : $2 == "TB" ? 1000000 : 1)) + 1; exit}'
}

# Sets jobs, memory and free (of a rank and of this host, in MB) from a dry run. If train's fails, so would the run: prints its error and exits with its code.
read_plan() {
  local dry=("$program" "$@" --dry-run) plan code=0
  if [ "$shards" -gt 1 ]; then
    need_mpirun
    dry=(mpirun --bind-to none --oversubscribe -n "$shards" "${dry[@]}")
  fi
  plan=$("${dry[@]}" </dev/null 2>&1) || code=$?
  if [ "$code" -ne 0 ]; then
    printf '%s\n' "$plan" >&2
    exit "$code"
  fi
  jobs=$(awk '/^jobs /{print $2 + 0; exit}' <<<"$plan")
  memory=$(megabytes_before 'a rank') free=$(megabytes_before free)
}

# Sets `ranks`, and `reason` if something besides cores and devices decided.
choose_ranks() {
  local slots fitting threads_each=1
  if [[ $threads =~ ^[0-9]+$ ]]; then threads_each=$threads; fi
  if [ "$gpus" -gt 0 ]; then slots=$((gpus / shards)); else slots=$((cores / (threads_each * shards))); fi
  [ "$slots" -ge 1 ] || slots=1
  if [ -n "$jobs" ]; then
    reason=" ($jobs job$([ "$jobs" = 1 ] || echo s))"
    [ "$jobs" -ge "$slots" ] || slots=$jobs
  fi
  if [ -n "$memory" ] && [ -n "$free" ]; then
    fitting=$((free / (memory * shards)))
    [ "$fitting" -ge 1 ] || fitting=1
    if [ "$fitting" -lt "$slots" ]; then slots=$fitting reason=" (memory for no more: $memory MB a rank)"; fi
  fi
  ranks=$((slots * shards))
}

need_mpirun() {
  command -v mpirun >/dev/null || fail 4 "mpirun is not on the PATH; load your cluster's module for Open MPI, or run launch/setup.sh (PLEAT_RANKS=1 runs without mpirun)"
}

count() { echo "$1 $2$([ "$1" = 1 ] || echo s)"; }

case ${1:-} in
  -h | --help) echo "$usage"; exit 0 ;;
  '') echo "$usage" >&2; exit 2 ;;
esac
program=$(find_program)
if [[ $program == "$PWD"/* ]]; then program=${program#"$PWD"/}; fi  # as one would type it
parallel=no
case $1 in train | sweep | predict | prepare) parallel=yes ;; esac
for word in "${@:2}"; do
  case $word in -h | --help | --dry-run | --find-lr | --preview-augment | --preview-augment=* | --verify | --verify=*) parallel=no ;; esac
done
[ "$parallel" = yes ] || exec "$program" "$@"

cores=$(usable_cores) gpus=$(cuda_devices)
shards=1 threads=auto device=auto jobs='' memory='' free='' reason=''
case $1 in
  train | sweep) read_config "$@" ;;
  predict) [[ " $* " != *" --device cpu "* && " $* " != *" --device=cpu "* ]] || device=cpu ;;
  prepare) device=cpu ;;
esac
[ "$device" != cpu ] || gpus=0
if [ -n "${PLEAT_RANKS:-}" ]; then
  [[ $PLEAT_RANKS =~ ^[1-9][0-9]*$ ]] || fail 2 "PLEAT_RANKS is '$PLEAT_RANKS'; expected a number of ranks from 1, such as PLEAT_RANKS=4"
  ranks=$PLEAT_RANKS reason=' (PLEAT_RANKS)'
else
  case $1 in train | sweep) read_plan "$@" ;; esac
  choose_ranks
fi
if [[ ! $threads =~ ^[0-9]+$ ]]; then threads=$((cores > ranks ? cores / ranks : 1)); fi

launcher=()
if [ "$ranks" -gt 1 ]; then
  need_mpirun
  launcher=(mpirun --bind-to none)
  [ "$ranks" -le "$(physical_cores)" ] || launcher+=(--oversubscribe)
  launcher+=(-n "$ranks")
  [ "$(id -u)" -ne 0 ] || launcher+=(--allow-run-as-root)  # for whoever pastes the line below into another shell
fi
where=$(count "$cores" core)
[ "$gpus" -eq 0 ] || where="$(count "$gpus" 'CUDA device') and $where"
echo "local.sh: $(count "$ranks" rank) of $(count "$threads" thread)$([ "$ranks" = 1 ] || echo ' each') on $where$reason: $(quoted "${launcher[@]}" "$program" "$@")" >&2
exec "${launcher[@]}" "$program" "$@"
