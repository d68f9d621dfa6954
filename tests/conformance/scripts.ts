import type { Script } from './script.ts'

/** Containers: their life, their output, what is told about them. */
export const containerScripts: readonly Script[] = [
  {
    name: 'run prints what the command prints and ends as it ends',
    steps: `
      docker run --rm busybox echo hello
      docker run --rm busybox sh -c 'echo out; echo err >&2; exit 3'
      docker run --rm busybox false
      docker run --rm busybox sh -c 'kill -9 $$'
      echo piped | docker run --rm -i busybox cat`,
  },
  {
    name: 'run fails with 125, 126 and 127 as Docker does',
    steps: `
      docker run --rm busybox /no/such/command 2>/dev/null
      docker run --rm busybox /etc/passwd 2>/dev/null
      docker run --rm --memory 1 busybox true
      docker run --rm --network no-such-network busybox true 2>&1 | tail -1
      docker run --rm --no-such-flag busybox true 2>&1 | head -1
      docker run --rm -v relative:/x:bad busybox true
      docker run --rm --pull never no-such-image true
      docker create --name a/b busybox`,
  },
  {
    name: 'create, start, stop, rm and what ps shows between',
    steps: `
      @docker create --name life busybox sleep 1000
      docker ps -a --format '{{.Names}}|{{.Image}}|{{.Command}}|{{.Status}}|{{.Ports}}|{{.State}}'
      docker start life
      docker ps --format '{{.Names}}|{{.State}}'
      docker stop -t 0 life
      docker inspect -f '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Dead}}' life
      docker start life
      docker kill life
      docker wait life
      docker kill life
      docker stop life
      docker rm life
      docker rm life
      docker start life`,
  },
  {
    name: 'a name is taken once',
    steps: `
      @docker create --name twin busybox
      docker create --name twin busybox 2>&1 | sed 's/"[0-9a-f]*"/"ID"/'
      docker rename twin other
      docker inspect -f '{{.Name}}' other
      docker rename other other
      docker rename other ''
      docker rename nobody else`,
  },
  {
    name: 'a running container is not removed without force',
    steps: `
      @docker run -d --name busy busybox sleep 1000
      docker rm busy
      docker rm -f busy
      docker rm -f busy
      docker inspect busy`,
  },
  {
    name: 'logs: both streams, tail, timestamps, since',
    steps: `
      @docker run --name talk busybox sh -c 'for i in 1 2 3 4 5; do echo line $i; done; sleep 0.3; echo oops >&2'
      docker logs talk
      docker logs --tail 2 talk
      docker logs --tail 0 talk
      docker logs --tail 1 -t talk
      docker logs --since 1h --tail 1 talk
      docker logs --until 1h talk
      docker logs -f talk
      docker logs nobody`,
  },
  {
    name: 'logs of a terminal and lines without an end',
    steps: `
      @docker run -t --name tty busybox echo on a terminal
      docker logs tty | od -c
      @docker run --name partial busybox printf 'no newline'
      docker logs partial`,
  },
  {
    name: 'exec: output, exit codes, user, directory, environment',
    steps: `
      @docker run -d --name host -e A=1 -w /tmp busybox sleep 1000
      docker exec host pwd
      docker exec -w / host pwd
      docker exec -e B=2 host sh -c 'echo $A $B'
      docker exec -u 33 host id
      docker exec -u nobody host id
      docker exec -u 1000:2000 host id
      docker exec host sh -c 'exit 7'
      docker exec host /no/such 2>/dev/null
      docker exec host /etc/passwd 2>/dev/null
      echo in | docker exec -i host cat
      docker exec -d host touch /made
      eventually docker exec host test -f /made
      @docker pause host
      docker exec host true
      @docker unpause host
      @docker stop -t 0 host
      docker exec host true 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      docker exec nobody true`,
  },
  {
    name: 'pause and unpause',
    steps: `
      @docker run -d --name still busybox sleep 1000
      docker pause still
      docker ps --format '{{.State}}'
      docker pause still 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      docker unpause still
      docker unpause still 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      @docker pause still
      docker stop -t 0 still
      docker inspect -f '{{.State.Status}} {{.State.Paused}}' still`,
  },
  {
    name: 'signals: stop signal, kill -s, a trap that ends with its own code',
    steps: `
      @docker run -d --name trap busybox sh -c 'trap "exit 42" TERM; echo ready; while :; do sleep 0.1; done'
      eventually sh -c 'docker logs trap | grep ready'
      docker stop trap
      docker inspect -f '{{.State.ExitCode}}' trap
      @docker run -d --name usr --stop-signal USR1 busybox sh -c 'trap "exit 43" USR1; echo ready; while :; do sleep 0.1; done'
      eventually sh -c 'docker logs usr | grep ready'
      docker stop usr
      docker inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}}' usr
      @docker run -d --name hup busybox sh -c 'trap "exit 44" HUP; echo ready; while :; do sleep 0.1; done'
      eventually sh -c 'docker logs hup | grep ready'
      docker kill -s HUP hup
      docker wait hup
      docker kill -s NOSUCH hup
      docker run -d --stop-signal NOSUCH busybox true`,
  },
  {
    name: 'restart policies',
    steps: `
      @docker run -d --name again --restart on-failure:2 busybox false
      eventually sh -c '[ $(docker inspect -f "{{.RestartCount}} {{.State.Status}}" again | tr -d " ") = 2exited ]'
      docker inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{json .HostConfig.RestartPolicy}}' again
      docker run -d --restart always:3 busybox true
      docker run -d --restart sometimes busybox true
      docker run -d --rm --restart always busybox true`,
  },
  {
    name: 'update and what it refuses',
    steps: `
      @docker run -d --name grow --memory 64m --memory-swap 64m busybox sleep 1000
      docker update --cpu-shares 512 grow
      docker inspect -f '{{.HostConfig.CpuShares}} {{.HostConfig.Memory}}' grow
      docker update --memory 4m grow 2>/dev/null
      docker update --restart unless-stopped grow
      docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' grow
      docker update --memory 128m grow`,
  },
  {
    name: 'inspect: what the user gave',
    steps: `
      @docker create --name given -e A=1 -l k=v -l empty= -p 127.0.0.1:8080:80 -p 53/udp --expose 99 -w /work -u 1:2 -h box --domainname dom --memory 64m --cpus 0.5 --pids-limit 50 --cap-add NET_ADMIN --cap-drop CHOWN --device /dev/null:/dev/zap --ulimit nofile=100:200 --sysctl net.ipv4.ip_forward=0 --tmpfs /t:size=1m --shm-size 10m --read-only --init --entrypoint /bin/sh --add-host h:1.2.3.4 --dns 8.8.8.8 --dns-search s --dns-option ndots:2 --log-opt max-size=1m --health-cmd true --stop-timeout 3 --security-opt no-new-privileges --group-add 7 --oom-score-adj 100 --pid host --ipc private --annotation x=y busybox -c 'echo hi'
      docker inspect -f '{{json .Config}}' given
      docker inspect -f '{{json .HostConfig.PortBindings}} {{json .HostConfig.RestartPolicy}} {{json .HostConfig.Memory}} {{json .HostConfig.NanoCpus}} {{json .HostConfig.PidsLimit}}' given
      docker inspect -f '{{json .HostConfig.CapAdd}} {{json .HostConfig.CapDrop}} {{json .HostConfig.Devices}} {{json .HostConfig.Ulimits}} {{json .HostConfig.Sysctls}} {{json .HostConfig.Tmpfs}}' given
      docker inspect -f '{{json .HostConfig.ShmSize}} {{json .HostConfig.ReadonlyRootfs}} {{json .HostConfig.Init}} {{json .HostConfig.ExtraHosts}} {{json .HostConfig.Dns}} {{json .HostConfig.DnsSearch}} {{json .HostConfig.DnsOptions}}' given
      docker inspect -f '{{json .HostConfig.LogConfig}} {{json .HostConfig.SecurityOpt}} {{json .HostConfig.GroupAdd}} {{json .HostConfig.OomScoreAdj}} {{json .HostConfig.PidMode}} {{json .HostConfig.IpcMode}} {{json .HostConfig.Annotations}}' given
      docker inspect -f '{{.Path}} {{json .Args}} {{.Name}} {{.RestartCount}} {{.Driver}} {{.Platform}}' given | sed 's/overlay2/DRIVER/; s/erofs/DRIVER/'
      docker inspect -f '{{json .HostConfig.MaskedPaths}} {{json .HostConfig.ReadonlyPaths}}' given
      docker inspect -f '{{json .State.Status}} {{json .State.StartedAt}} {{json .State.FinishedAt}} {{json .State.Pid}}' given`,
  },
  {
    name: 'inspect: which fields there are',
    steps: `
      @docker run -d --name all busybox sleep 1000
      docker inspect all | sed -n 's/^ *"\\([A-Za-z]*\\)":.*/\\1/p' | sort -u | grep -v -E '^(LowerDir|UpperDir|WorkDir|MergedDir|ID|lowerdir)$'
      docker inspect -f '{{.HostConfig.NetworkMode}} {{.HostConfig.Runtime}} {{.HostConfig.Isolation}} {{json .HostConfig.ConsoleSize}} {{.HostConfig.CgroupnsMode}} {{.HostConfig.IpcMode}}' all | sed 's/crun/runc/'
      docker inspect -s -f '{{.SizeRw}} {{.SizeRootFs}}' all | sed 's/ .*/ SIZE/'
      docker inspect --type image all
      docker inspect --type volume all`,
  },
  {
    name: 'ps: filters, formats, order, last',
    steps: `
      @docker run -d --name one -l team=a busybox sleep 1000
      @docker run -d --name two -l team=b -l big busybox sleep 1000
      @docker run --name three busybox sh -c 'exit 5' || true
      docker ps -a --format '{{.Names}}'
      docker ps --filter label=team=a --format '{{.Names}}'
      docker ps --filter label=big --format '{{.Names}} {{.Labels}}'
      docker ps -a --filter status=exited --format '{{.Names}} {{.Status}}'
      docker ps -a --filter exited=5 --format '{{.Names}}'
      docker ps -a --filter name=t --format '{{.Names}}'
      docker ps -a --filter name=^/one$ --format '{{.Names}}'
      docker ps -a --filter ancestor=busybox --format '{{.Names}}'
      docker ps -a --filter before=two --format '{{.Names}}'
      docker ps -a --filter since=two --format '{{.Names}}'
      docker ps -n 1 --format '{{.Names}}'
      docker ps -l --format '{{.Names}}'
      docker ps --filter status=nonsense
      docker ps --filter nonsense=1
      docker ps --filter network=bridge --format '{{.Names}}'
      docker ps -q --no-trunc | wc -l
      docker ps -s --format '{{.Names}} {{.Size}}' | sed 's/(virtual.*/(virtual SIZE)/'`,
  },
  {
    name: 'top and stats',
    steps: `
      @docker run -d --name busy busybox sleep 1000
      docker top busy -o pid,comm | sed 's/[0-9][0-9]*/N/'
      docker top busy | awk '{print $NF, NF > 5}'
      docker top busy -o nonsense 2>&1 | cut -c1-50
      docker stats --no-stream --format '{{.Name}} {{.PIDs}}' busy
      docker stats --no-stream nobody
      @docker stop -t 0 busy
      docker top busy 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'`,
  },
  {
    name: 'wait, several at once, and a container that is not there',
    steps: `
      @docker run -d --name w1 busybox sh -c 'sleep 0.5; exit 3'
      @docker run -d --name w2 busybox sh -c 'exit 4'
      docker wait w1 w2
      docker wait nobody`,
  },
  {
    name: 'the container from inside: hostname, hosts, limits, user, root',
    steps: `
      docker run --rm -h box busybox hostname
      docker run --rm -h box --domainname d.example busybox cat /etc/hostname
      docker run --rm --add-host h:1.2.3.4 --network none busybox cat /etc/hosts
      docker run --rm --network none busybox ip -o link show | grep -c lo
      docker run --rm -u nobody busybox id
      docker run --rm -u 1234:99 busybox id
      docker run --rm -w /made/here busybox pwd
      docker run --rm --read-only busybox touch /x
      docker run --rm --tmpfs /t:size=1m,mode=700 busybox sh -c 'mount | grep " /t "'
      docker run --rm --shm-size 5m busybox sh -c 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2'
      docker run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'
      docker run --rm -e A=1 -e HOME=/x busybox sh -c 'echo $A $HOME $PATH'
      docker run --rm --entrypoint echo busybox hi
      docker run --rm --entrypoint '' busybox echo none
      docker run --rm busybox sh -c 'ls /dev | grep -v core | sort | tr "\\n" " "'
      docker run --rm busybox sh -c 'cat /proc/1/status | grep -E "^(Cap|NoNewPrivs|Seccomp:)"'
      docker run --rm --cap-drop ALL busybox sh -c 'grep CapEff /proc/1/status'
      docker run --rm --cap-add SYS_ADMIN busybox sh -c 'grep CapEff /proc/1/status'
      docker run --rm --security-opt no-new-privileges --security-opt seccomp=unconfined busybox sh -c 'grep -E "NoNew|Seccomp:" /proc/1/status'
      docker run --rm --sysctl net.ipv4.ip_forward=0 busybox cat /proc/sys/net/ipv4/ip_forward
      docker run --rm busybox sh -c 'mount | grep -E " (/proc/|/sys/firmware)" | cut -d" " -f3 | sort'
      docker run --rm --device /dev/null:/dev/zap busybox ls /dev/zap
      docker run --rm --init busybox sh -c 'tr "\\0" " " </proc/1/cmdline | grep -c -- "--"'
      docker run --rm --pids-limit 20 busybox cat /sys/fs/cgroup/pids/pids.max
      docker run --rm --memory 64m busybox cat /sys/fs/cgroup/memory/memory.limit_in_bytes
      docker run --rm --cpus 0.5 busybox cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us
      docker run --rm --oom-score-adj 77 busybox cat /proc/1/oom_score_adj
      docker run --rm --group-add 7 busybox id
      docker run --rm --uts host busybox sh -c '[ "$(hostname)" ] && echo yes'
      docker run --rm busybox cat /proc/sys/kernel/domainname`,
  },
  {
    name: 'what create refuses',
    steps: `
      docker create --memory 1m busybox
      docker create --memory-swap 10m busybox
      docker create --cpus 1000 busybox
      docker create --cpu-shares -1 busybox
      docker create --cpuset-cpus 99 busybox
      docker create --cap-add NOSUCH busybox
      docker create --security-opt nosuch=1 busybox
      docker create --log-opt nosuch=1 busybox
      docker create --runtime nosuch busybox
      docker create --ipc nosuch busybox
      docker create --pid container:nobody busybox
      docker create --network host -p 80:80 --hostname x busybox >/dev/null; echo $?
      docker create --shm-size -1 busybox
      docker create --device /no/such busybox >/dev/null; echo $?
      docker create --health-interval 1us --health-cmd true busybox
      docker create --health-retries -1 --health-cmd true busybox
      docker create --restart nosuch busybox
      docker create --oom-score-adj 2000 busybox
      docker create -v /x busybox >/dev/null; echo $?
      docker create -v x:y busybox
      docker create --mount type=nosuch,target=/x busybox
      docker create --mount type=bind,source=/no/such,target=/x busybox
      docker create --sysctl nosuch busybox`,
  },
  {
    name: 'health',
    steps: `
      @docker run -d --name well --health-cmd 'test -f /ok' --health-interval 300ms --health-retries 2 --health-timeout 5s busybox sleep 1000
      docker inspect -f '{{json .Config.Healthcheck}}' well
      eventually sh -c '[ "$(docker inspect -f "{{.State.Health.Status}}" well)" = unhealthy ]'
      docker ps --format '{{.Status}}'
      @docker exec well touch /ok
      eventually sh -c '[ "$(docker inspect -f "{{.State.Health.Status}}" well)" = healthy ]'
      docker ps --filter health=healthy --format '{{.Names}}'
      docker inspect -f '{{.State.Health.FailingStreak}} {{(index .State.Health.Log 0).ExitCode}}' well`,
  },
  {
    name: 'attach: output, exit code, input',
    steps: `
      @docker create --name att -i busybox sh -c 'read x; echo got $x; exit 9'
      echo word | docker start -ai att
      @docker run -d --name late busybox sh -c 'sleep 1; echo done; exit 6'
      docker attach late
      docker attach late
      docker attach nobody`,
  },
  {
    name: 'a terminal',
    steps: `
      docker run --rm -t busybox tty
      docker run --rm -t busybox sh -c 'echo $TERM; test -t 0 && test -t 1 && test -t 2 && echo all'
      docker run --rm -t -e TERM=dumb busybox sh -c 'echo $TERM'
      @docker run -d -t --name term busybox sleep 1000
      docker exec -t term tty
      docker exec term tty`,
  },
  {
    name: 'prune',
    steps: `
      @docker create --name gone -l x=1 busybox
      @docker create --name kept -l x=2 busybox
      docker container prune -f --filter label=x=1 | tail -1
      docker ps -a --format '{{.Names}}'
      docker container prune -f --filter label!=x | tail -1
      docker ps -a --format '{{.Names}}'`,
  },
  {
    name: 'diff and commit',
    steps: `
      @docker run --name changed busybox sh -c 'echo a > /new; mkdir -p /d/e; echo x >> /etc/passwd; rm /etc/group'
      docker diff changed | sort -k2
      docker commit -m msg -a me -c 'CMD ["cat", "/new"]' -c 'ENV X=1' changed made:1 >/dev/null; echo $?
      docker run --rm made:1
      docker run --rm made:1 sh -c 'echo $X; ls /etc /d'
      docker inspect -f '{{.Comment}} {{.Author}} {{json .Config.Cmd}} {{json .Config.Env}} {{len .RootFS.Layers}}' made:1
      docker history --format '{{.CreatedBy}}|{{.Comment}}' made:1`,
  },
  {
    name: 'cp in and out',
    steps: `
      @docker create --name box busybox
      @mkdir -p tree/sub && echo one > tree/a && echo two > tree/sub/b && chmod 640 tree/a && ln -s a tree/link
      docker cp tree box:/tree 2>/dev/null; echo $?
      docker cp box:/tree out 2>/dev/null; find out | sort; cat out/a out/sub/b; stat -c %a out/a; readlink out/link
      docker cp box:/tree/a - | tar tf -
      docker cp box:/no/such out
      docker cp tree/a box:/no/such/dir/ 2>&1 | tail -1
      docker cp no-such box:/
      echo via stdin > f; tar cf - f | docker cp - box:/tmp; docker cp box:/tmp/f - | tar xOf -
      docker cp box:/etc/passwd - | tar xOf - | head -1
      docker cp nobody:/x .
      docker cp tree/. box:/etc 2>/dev/null; docker cp box:/etc/sub/b - | tar xOf -`,
  },
  {
    name: 'export and import',
    steps: `
      @docker run --name whole busybox sh -c 'echo kept > /file'
      docker export whole | tar tf - | grep -E '^(\\./)?(file|bin/busybox|etc/passwd)$' | sort
      docker export whole | docker import -c 'CMD ["cat","/file"]' -m imported - made:flat >/dev/null; echo $?
      docker run --rm made:flat
      docker history --format '{{.Comment}}' made:flat`,
  },
  {
    name: 'events of a life',
    steps: `
      @docker create --name seen busybox sh -c 'exit 2'
      @docker start -a seen || true
      @docker rename seen seen2
      @docker rm seen2
      @sleep 1.2
      docker events --since 1h --until 0s --filter container=seen2 --format '{{.Type}} {{.Action}} {{index .Actor.Attributes "name"}} {{index .Actor.Attributes "exitCode"}}' | tail -3
      docker events --since 1h --until 0s --filter type=container --filter event=create --filter event=start --filter event=die --filter event=destroy --format '{{.Action}} {{index .Actor.Attributes "exitCode"}} {{index .Actor.Attributes "image"}}' | tail -4`,
  },
  {
    name: 'version and info as formats ask',
    steps: `
      docker version --format '{{.Server.Os}} {{.Server.Arch}} {{.Server.KernelVersion}}'
      docker info --format '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.MemTotal}} {{.CgroupVersion}} {{.CgroupDriver}} {{.Swarm.LocalNodeState}} {{.Images}} {{.Containers}}'
      docker info --format '{{json .Plugins.Volume}} {{.LoggingDriver}} {{.KernelVersion}} {{.MemoryLimit}} {{.PidsLimit}} {{.IPv4Forwarding}} {{.OomKillDisable}}'
      docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'`,
  },
  {
    name: 'links of namespaces between containers',
    steps: `
      @docker run -d --name base --ipc shareable busybox sleep 1000
      docker run --rm --network container:base --pid container:base --ipc container:base busybox sh -c 'ps | grep -c "[s]leep 1000"'
      docker run --rm --network container:base busybox hostname -i | grep -c .
      docker run --rm --network container:base -p 80:80 busybox true
      docker run --rm --network container:base --hostname x busybox true
      docker run --rm --volumes-from base busybox true
      docker run --rm --volumes-from nobody busybox true`,
  },
  {
    name: 'rm of several, and by prefix of the id',
    steps: `
      @docker create --name r1 busybox
      @docker create --name r2 busybox
      docker rm r1 nobody r2
      id=$(docker create busybox); docker inspect -f '{{.State.Status}}' $(echo $id | cut -c1-8); docker rm $(echo $id | cut -c1-10) | wc -c
      docker ps -aq`,
  },
]
