import type { Script } from './script.ts'

/** Namespaces, security and exec, seen from inside the container. */
export const isolationScripts: readonly Script[] = [
  {
    name: 'exec and run name users, groups and directories that are not there',
    steps: `
      @docker run -d --name host busybox sleep 1000
      docker exec -u nosuchuser host true
      docker exec -d -u nosuchuser host true
      docker exec -u :nosuchgroup host true
      docker exec -w /nosuchdir host true
      docker run --rm -u nosuchuser busybox true
      docker run --rm -u :nosuchgroup busybox true
      docker exec host sh -c 'kill -9 $$'
      docker exec -u 12:34 host stat -c '%u %g %a' /dev/null`,
  },
  {
    name: 'exec says why a program cannot be run, and other refusals',
    steps: `
      @docker run -d --name host busybox sleep 1000
      docker exec host nosuchcommand
      docker exec host /nosuch
      docker exec host /etc
      docker exec host /etc/passwd
      docker exec host ''
      docker kill -s 99 host
      docker kill -s NOSUCH host
      docker run --rm --tmpfs /x:nosuch busybox true 2>&1 | head -1
      docker create --isolation hyperv busybox`,
  },
  {
    name: 'links give variables for each port',
    steps: `
      @docker run -d --name db -e A=b --expose 5433 --expose 5432 --expose 53/udp busybox sleep 1000
      docker run --rm --name web --link db:data busybox sh -c 'env | grep -i ^data_ | sort' | sed 's/[0-9]*\\.[0-9]*\\.[0-9]*\\.[0-9]*/ADDRESS/g'
      docker run --rm --link nosuch:x busybox true`,
  },
  {
    name: 'a network to join need not exist before the start',
    steps: `
      @docker create --name joins --network container:nobody busybox
      docker start joins
      docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' joins
      api POST /containers/joins/start
      docker create --pid container:nobody busybox
      docker create --ipc container:nobody busybox
      docker run --rm --volumes-from nobody busybox true`,
  },
  {
    name: '/dev holds what it holds in Docker',
    steps: `
      docker run --rm busybox ls /dev /dev/pts
      docker run --rm -t busybox ls /dev
      docker run --rm --privileged busybox ls -d /dev/core /dev/fuse
      docker run --rm --device /dev/fuse:/dev/mine:r busybox stat -c '%t:%T' /dev/mine`,
  },
  {
    name: 'mounts are shared only where the host shares them',
    steps: `
      @mkdir private && mount --bind private private && mount --make-private private
      docker run --rm -v "$PWD/private:/x:rshared" busybox true 2>&1 | grep -o 'but it is not.*'
      docker run --rm -v "$PWD/private:/x:shared" busybox true 2>&1 | grep -o 'but it is not.*'
      docker run --rm -v "$PWD/private:/x:rslave" busybox true 2>&1 | grep -o 'but it is not.*'
      docker run --rm --mount "type=bind,src=$PWD/private,dst=/x,bind-propagation=slave" busybox true 2>&1 | grep -o 'but it is not.*'
      docker run --rm -v "$PWD/private:/x:rprivate" busybox true
      @umount private`,
  },
  {
    name: 'security options',
    steps: `
      docker run --rm --security-opt apparmor=nosuch busybox true
      docker run --rm --security-opt label=type:nosuch busybox true
      docker run --rm --security-opt writable-cgroups=true busybox sh -c 'mkdir /sys/fs/cgroup/memory/mine && echo made'
      docker run --rm busybox mkdir /sys/fs/cgroup/memory/mine
      docker run --rm --security-opt writable-cgroups=maybe busybox true
      docker run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status
      docker run --rm --security-opt systempaths=unconfined busybox sh -c 'mount | grep -c "/proc/"'
      docker run --rm --gpus all busybox true`,
  },
]

/** Limits, cgroups and mounts. */
export const resourceScripts: readonly Script[] = [
  {
    name: 'limits are what the kernel keeps',
    steps: `
      docker run --rm --memory-reservation 10m -m 20m busybox cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes /sys/fs/cgroup/memory/memory.limit_in_bytes
      docker run --rm -m 20m --memory-swap 20m busybox tail /dev/zero
      docker run --rm --memory-swappiness 10 busybox cat /sys/fs/cgroup/memory/memory.swappiness
      docker run --rm --oom-kill-disable -m 30m busybox cat /sys/fs/cgroup/memory/memory.oom_control
      docker run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj
      docker run --rm --kernel-memory 64m busybox true
      docker run --rm --cpuset-cpus 0 --cpuset-mems 0 --cpu-shares 300 busybox cat /sys/fs/cgroup/cpuset/cpuset.cpus /sys/fs/cgroup/cpuset/cpuset.mems /sys/fs/cgroup/cpu/cpu.shares
      docker run --rm --cpus 0.5 busybox cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us
      docker run --rm --cpuset-cpus 0-200 busybox true
      docker run --rm --pids-limit 20 busybox cat /sys/fs/cgroup/pids/pids.max
      docker run --rm --ulimit nofile=100:200 --ulimit core=0 busybox sh -c 'ulimit -n; ulimit -Hn; ulimit -c'
      docker run --rm --blkio-weight 300 busybox true
      docker run --rm --blkio-weight-device /dev/null:300 busybox true
      docker run --rm --shm-size 3m busybox sh -c 'df -k /dev/shm | tail -1'`,
  },
  {
    name: 'cgroup namespaces and parents',
    steps: `
      docker run --rm --cgroupns private busybox sh -c 'grep memory /proc/self/cgroup'
      docker run --rm --cgroupns host busybox sh -c 'grep memory /proc/self/cgroup | cut -d: -f1,2'
      docker run --rm --cgroupns nonsense busybox true
      docker run --rm --cgroup-parent /made/parent --cgroupns host busybox sh -c 'grep memory /proc/self/cgroup | cut -d/ -f2,3'
      @find /sys/fs/cgroup/*/made -depth -type d -exec rmdir '{}' +`,
  },
  {
    name: 'mounts of images, volumes and tmpfs, and parts of them',
    steps: `
      docker run --rm --mount type=image,src=busybox,dst=/x busybox ls -d /x/bin/busybox 2>/dev/null
      docker run --rm --mount type=image,src=busybox,dst=/x,image-subpath=bin busybox ls -d /x/busybox 2>/dev/null
      docker run --rm --mount type=image,src=busybox,dst=/x,image-subpath=nosuch busybox true 2>&1 | grep -o 'nosuch: no such file.*'
      docker run --rm --mount type=volume,src=parts,dst=/x busybox mkdir -p /x/a/b
      docker run --rm --mount type=volume,src=parts,dst=/x,volume-subpath=a busybox ls /x
      docker run --rm --mount type=volume,src=parts,dst=/x,volume-subpath=nosuch busybox true 2>&1 | grep -o '/parts/_data/nosuch: lstat.*' | cut -c-30
      docker run --rm --mount type=volume,src=parts,dst=/x,volume-subpath=../.. busybox true
      docker run --rm --mount type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=700 busybox sh -c 'df -k /x | tail -1; stat -c %a /x'
      docker run --rm --tmpfs /x:size=1m,mode=1700,noexec busybox sh -c 'mount | grep " /x "; stat -c %a /x'
      docker run --rm --mount type=bind,src=/nosuch,dst=/x busybox true
      docker run --rm --mount type=bind,src=/usr,dst=/x,bind-recursive=disabled busybox ls -d /x/bin
      docker run --rm --mount type=bind,src=/usr,dst=/x,bind-recursive=readonly,ro,bind-propagation=rprivate busybox ls -d /x/bin
      docker run --rm --mount type=bind,src=/usr,dst=/x,consistency=cached busybox ls -d /x/bin
      docker run --rm -v /usr:/x:z,ro -v parts:/y:Z busybox ls -d /x/bin /y/a`,
  },
  {
    name: 'top takes any arguments of ps',
    steps: `
      @docker run -d --name topped busybox sleep 1000
      docker top topped -o pid,comm | tr -s ' 0-9' ' '
      docker top topped -eo args,pid | tr -s ' 0-9' ' '
      docker top topped aux | head -1
      docker top topped -o comm
      docker top topped -xyz`,
  },
]
