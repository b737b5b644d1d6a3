#!/usr/bin/env bash
# Starts a Slurm of one node in a folder, as root and without systemd, beside any other Slurm of the machine.
#   slurm_here.sh up FOLDER     then: export SLURM_CONF=FOLDER/slurm.conf
#   slurm_here.sh down FOLDER   cancels all jobs and ends the daemons
# Exit code 77: not root, or programs are missing.
# The node claims 6 cores, so that three jobs of two ranks run at once anywhere.
set -euo pipefail
usage="usage: slurm_here.sh up|down FOLDER"
case "${1:-} $#" in
  "-h 1" | "--help 1") echo "$usage"; exit 0 ;;
  "up 2" | "down 2") folder=$(realpath -m "$2") ;;
  *) echo "$usage" >&2; exit 2 ;;
esac
export SLURM_CONF=$folder/slurm.conf PATH=$PATH:/usr/sbin
daemons=(slurmd slurmctld munged)

free_ports() {
  python3 -c 'import socket
taken = [socket.create_server(("", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in taken))'
}

write_config() {
  local controller_port node_port
  read -r controller_port node_port < <(free_ports)
  cat >"$SLURM_CONF" <<CONF
ClusterName=pleat
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=6 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
SlurmdParameters=config_overrides
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munged.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=3600
MpiDefault=none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
CONF
}

up() {
  local missing=() program
  for program in "${daemons[@]}" sbatch; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ "${#missing[@]}" -eq 0 ] || { echo "slurm_here: missing: ${missing[*]}; run launch/setup.sh --test as root" >&2; exit 77; }
  [ "$(id -u)" -eq 0 ] || { echo "slurm_here: needs root, to start daemons" >&2; exit 77; }
  mkdir -p "$folder"/{state,spool}
  chmod 755 "$folder"
  write_config
  head -c 1024 /dev/urandom >"$folder/munged.key" && chmod 600 "$folder/munged.key"
  munged --force --socket="$folder/munged.socket" --key-file="$folder/munged.key" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"
  slurmctld
  slurmd
  for ((i = 0; i < 100; i++)); do
    if sinfo -h -o %T 2>/dev/null | grep -q idle; then return; fi
    sleep 0.1
  done
  echo "slurm_here: the node is not idle after 10 s:" >&2
  tail -n 5 "$folder"/*.log >&2
  exit 1
}

down() {
  local name pid
  timeout 10 scancel --full --user="$(id -un)" 2>/dev/null || true
  for ((i = 0; i < 80; i++)); do
    if [ -z "$(timeout 5 squeue -h 2>/dev/null)" ]; then break; fi
    sleep 0.1
  done
  for name in "${daemons[@]}"; do
    pid=$(cat "$folder/$name.pid" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for ((i = 0; i < 50; i++)); do
      if ! kill -0 "$pid" 2>/dev/null; then break; fi
      sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
  done
}

"$1"
