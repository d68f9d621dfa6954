import type { Script } from './script.ts'

/** Logs. */
export const logScripts: readonly Script[] = [
  {
    name: 'logs: what is shown of what was written',
    steps: `
      @docker run --name talk busybox sh -c 'for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; sleep 0.1; done'
      docker logs talk 2>/dev/null
      docker logs talk 2>&1 >/dev/null
      docker logs --tail 2 talk 2>/dev/null
      docker logs --tail 0 talk
      docker logs --tail all talk 2>/dev/null | wc -l
      docker logs --tail -1 talk 2>/dev/null | wc -l
      docker logs --tail nonsense talk 2>/dev/null | wc -l
      docker logs -n 1 -f talk 2>&1 | wc -l
      docker logs -t talk 2>/dev/null | grep -c '^....-..-..T..:..:..\\..........Z out[1-5]$'
      docker logs --since 1h talk 2>/dev/null | wc -l
      docker logs --until 1h talk 2>/dev/null | wc -l
      docker logs --since 2099-01-01T00:00:00 talk | wc -l
      docker logs --since nonsense talk
      docker logs --until nonsense talk
      docker logs nobody
      docker logs`,
  },
  {
    name: 'logs: since and until between the lines',
    steps: `
      @docker run --name spaced busybox sh -c 'for i in 1 2 3 4; do echo $i; sleep 0.3; done'
      docker logs -t spaced | sed -n 2p | cut -d' ' -f1 > second; docker logs --since $(cat second) spaced
      docker logs --until $(cat second) spaced
      docker logs --since $(cat second) --until $(cat second) spaced
      docker logs --since $(cat second) --tail 1 spaced
      docker logs --until $(cat second) --tail 1 spaced
      docker logs -f --until $(cat second) spaced`,
  },
  {
    name: 'logs: details, and what is told beside lines',
    steps: `
      @docker run --name told --label one=1 --label two=2 -e A=a -e B='b c' --log-opt labels=one --log-opt env-regex='^[AB]$' --log-opt tag='{{.Name}}/{{.ImageName}}' busybox sh -c 'echo line'
      docker logs --details told
      docker logs --details told 2>&1 | sed 's/ line//' | tr , '\\n' | sort
      @docker run --name plain busybox echo line
      docker logs --details plain
      docker inspect -f '{{json .HostConfig.LogConfig}}' told`,
  },
  {
    name: 'logs: long, partial, empty and binary lines',
    steps: `
      @docker run --name long busybox sh -c 'head -c 100000 /dev/zero | tr "\\0" x; echo; echo; printf "no end"'
      docker logs long | md5sum
      docker logs -t long | cut -c32- | cut -c1-20
      docker logs --tail 1 long
      docker logs --tail 3 long | md5sum
      @docker run --name bytes busybox sh -c 'printf "a\\000b\\033[1m\\r\\n\\tend\\n"'
      docker logs bytes | od -c
      @docker run --name halves busybox sh -c 'printf half; sleep 1.3; echo way; printf "\\303"; sleep 0.2; printf "\\244\\n"'
      docker logs halves
      docker logs -t halves | wc -l
      @docker run --name cut busybox sh -c 'yes äöü€ | head -c 300000'
      docker logs cut | md5sum
      docker logs -t cut | cut -d' ' -f2 | sort | uniq -c | sort -rn | head -3
      docker logs --tail 10000 cut | wc -l`,
  },
  {
    name: 'logs: a terminal',
    steps: `
      @docker run -t --name term busybox sh -c 'echo out; echo err >&2; printf x'
      docker logs term | od -c
      docker logs --tail 1 -t term | wc -l`,
  },
  {
    name: 'logs: files that are turned over',
    steps: `
      @docker run --name turned --log-opt max-size=10k --log-opt max-file=3 busybox seq 3000
      docker logs turned | tail -1
      docker logs --tail 5 turned
      ls $(dirname $(docker inspect -f '{{.LogPath}}' turned)) 2>/dev/null | sed 's/.*json.log/json.log/' | grep -v cursor | grep -c '^json.log' || true
      @docker run --name zipped --log-opt max-size=10k --log-opt max-file=3 --log-opt compress=true busybox seq 3000
      docker logs --tail 300 zipped | md5sum
      @docker run --name local --log-driver local --log-opt max-size=1m busybox seq 3000
      docker logs local | md5sum
      docker logs --tail 7 local
      docker inspect -f '{{.LogPath}}|{{json .HostConfig.LogConfig}}' local`,
  },
  {
    name: 'logs: the driver none, and a restart',
    steps: `
      @docker run --name silent --log-driver none busybox echo gone
      docker logs silent
      docker logs -f silent
      @docker run --name again busybox sh -c 'echo once'
      @docker start -a again
      docker logs again
      docker logs -f again`,
  },
  {
    name: 'logs: follow a container that runs',
    steps: `
      @docker run -d --name runs busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.4; done'
      docker logs -f runs
      @docker run -d --name runs2 busybox sh -c 'for i in 1 2 3 4; do echo $i; sleep 0.5; done; sleep 1000'
      eventually sh -c 'docker logs runs2 | grep -q 4'
      timeout 3 docker logs -f --tail 1 runs2`,
  },
]
