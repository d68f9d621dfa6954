import type { Script } from './script.ts'

/** Requests at the edge of what Docker takes: mounts, limits and figures. */
export const edgeScripts: readonly Script[] = [
  {
    name: 'mounts into /proc are refused, but for files that are made to be replaced',
    steps: `
      docker run --rm -v /tmp:/proc busybox true 2>&1 | grep -o 'cannot be mounted.*'
      docker run --rm -v /proc:/proc busybox true
      docker run --rm -v /tmp:/proc/sys busybox true 2>&1 | grep -o 'cannot be mounted.*'
      docker run --rm --tmpfs /proc/1 busybox true >/dev/null 2>&1; echo $?
      docker run --rm --privileged -v /tmp:/proc/tty busybox true >/dev/null 2>&1; echo $?
      docker run --rm -v /etc/hosts:/proc/version busybox true >/dev/null 2>&1; echo $?
      @echo own > cpus; docker run --rm -v $PWD/cpus:/proc/cpuinfo busybox cat /proc/cpuinfo | grep -x own
      docker run --rm --tmpfs /x:rshared busybox true`,
  },
  {
    name: 'a working directory or a volume where a file is',
    steps: `
      docker run --rm -w /etc/passwd busybox true
      docker create -v /etc/passwd busybox 2>&1 | sed 's/ [^ ]*$//'
      docker ps -aq; docker volume ls -q`,
  },
  {
    name: 'a mount of an image outlives the image',
    steps: `
      @printf 'FROM busybox\\nRUN echo held > /held\\n' > Dockerfile; DOCKER_BUILDKIT=0 docker build -q -t made:i .
      api POST /containers/create?name=mounts '{"Image":"busybox","Cmd":["cat","/i/held"],"HostConfig":{"Mounts":[{"Type":"image","Source":"made:i","Target":"/i"}]}}'
      @docker rmi -f made:i
      docker start -a mounts
      docker start -a mounts
      docker rm mounts`,
  },
  {
    name: 'cgroups that can be written',
    steps: `
      docker run --rm --security-opt writable-cgroups=true busybox grep -c ' /sys/fs/cgroup/.* rw,.* - cgroup' /proc/self/mountinfo
      docker run --rm --security-opt writable-cgroups=false busybox grep -c ' /sys/fs/cgroup/.* rw,.* - cgroup' /proc/self/mountinfo
      docker run --rm --privileged --security-opt writable-cgroups=false busybox grep -c ' /sys/fs/cgroup/.* rw,.* - cgroup' /proc/self/mountinfo
      docker run --rm --privileged busybox grep -c ' /sys/fs/cgroup/.* rw,.* - cgroup' /proc/self/mountinfo
      docker run --rm --security-opt writable-cgroups=x busybox true
      api POST /containers/create '{"Image":"busybox","HostConfig":{"SecurityOpt":["writable-cgroups"]}}'`,
  },
  {
    name: 'one sample of figures',
    steps: `
      @docker run -d --name sleeps busybox sleep 1000
      api GET '/containers/sleeps/stats?stream=0&one-shot=1' | grep -o '"\\(id\\|name\\|os_type\\|read\\|num_procs\\|storage_stats\\)"' | sort
      api GET '/containers/sleeps/stats?stream=0&one-shot=1' | grep -o '"preread":"[^"]*"'
      api GET '/containers/sleeps/stats?stream=0&one-shot=1' | grep -o '"precpu_stats":{[^}]*}[^}]*}'`,
  },
  {
    name: 'weights of block devices where there are none',
    steps: `
      api POST /containers/create '{"Image":"busybox","HostConfig":{"BlkioWeight":5}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"BlkioWeight":500}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"BlkioWeightDevice":[{"Path":"/dev/null","Weight":5}]}}'
      docker create --blkio-weight 5 busybox`,
  },
  {
    name: 'before API 1.44 what is mounted below a read-only bind stays writable',
    steps: `
      @for v in 1.43 1.44; do curl -sSf --unix-socket "\${DOCKER_HOST#unix://}" -H 'Content-Type: application/json' --data '{"Image":"busybox","Cmd":["awk","$5 ~ \\"^/[bm]/\\" {print substr($5, 1, 3) substr($6, 1, 2)}","/proc/self/mountinfo"],"HostConfig":{"Binds":["/sys:/b:ro"],"Mounts":[{"Type":"bind","Source":"/sys","Target":"/m","ReadOnly":true}]}}' http://d/v$v/containers/create?name=v$v; done
      docker start -a v1.43 | sort -u | tail -2
      docker start -a v1.44 | sort -u | tail -2
      docker inspect -f '{{json .HostConfig.Binds}} {{json .HostConfig.Mounts}}' v1.43`,
  },
]
