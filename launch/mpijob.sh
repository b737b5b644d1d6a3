#!/usr/bin/env bash
# The commands of launch/mpijob.yaml:
#   mpijob.sh run COMMAND...   in the launcher: waits until all workers accept connections, then becomes COMMAND
#   mpijob.sh stop             the preStop hook of every pod: asks pleat to save, and waits until it has
set -euo pipefail
hostfile=${OMPI_MCA_orte_default_hostfile:-/etc/mpi/hostfile}

# True if the ssh port of host $1 is open.
answers() { timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/2222"' "$1" 2>/dev/null; }

# Prints the process numbers of mpirun and of this pod's ranks.
running() { grep -lxE 'mpirun|pleat' /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3; }

case ${1:-} in
  run)
    shift
    trap 'exit 75' TERM USR1  # process 1 ignores signals that it does not handle
    while read -r host _; do
      until answers "$host"; do
        echo "mpijob: waiting for $host" >&2
        sleep 2
      done
    done <"$hostfile"
    exec "$@"
    ;;
  stop)
    # In the launcher mpirun passes the signal on to all ranks. In a worker one rank is enough: pleat stops the others.
    for process in $(running); do kill -USR1 "$process" 2>/dev/null || true; done
    while [ -n "$(running)" ]; do sleep 0.5; done
    kill -TERM 1  # sshd, or the wait above
    ;;
  *)
    sed -n '2,4s/^# //p' "$0" >&2
    exit 2
    ;;
esac
