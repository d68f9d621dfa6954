import type { Script } from './script.ts'

/** What programs beside the docker CLI rely on: effects of options that are seldom given. */
export const effectScripts: readonly Script[] = [
  {
    name: 'a mount of the daemon’s own files lets unmounts through',
    steps: `
      R=$(docker info -f '{{.DockerRootDir}}'); docker create --name root -v $R:/x busybox >/dev/null; docker inspect -f '{{(index .Mounts 0).Propagation}}' root
      docker create --name above -v /:/x:ro busybox >/dev/null; docker inspect -f '{{(index .Mounts 0).Propagation}}' above
      docker create --name mount --mount type=bind,src=/,dst=/x busybox >/dev/null; docker inspect -f '{{(index .Mounts 0).Propagation}}' mount
      docker create --name asked --mount type=bind,src=/,dst=/x,bind-propagation=rshared busybox >/dev/null; docker inspect -f '{{(index .Mounts 0).Propagation}}' asked
      docker create -v /:/x:private busybox 2>&1 | sed 's/daemon root: "[^"]*"/daemon root/'`,
  },
  {
    name: 'a program that is a directory',
    steps: `
      docker run --name dir busybox /etc 2>/dev/null
      docker inspect -f '{{.State.ExitCode}}' dir`,
  },
  {
    name: 'cp: odd paths',
    steps: `
      @docker run -d --name cp busybox top
      api GET '/containers/cp/archive?path=/dne'
      api PUT '/containers/cp/archive?path=/dne'
      docker cp cp:/./ - | tar t | grep -x './bin/'
      docker cp cp:/etc/./ - | tar t | grep -x './passwd'
      docker cp cp:/etc/passwd/ - 2>&1 | grep -o 'not a directory'`,
  },
  {
    name: 'a container of --rm is restarted, and removed when it is ended',
    steps: `
      @docker run -d --rm --name auto busybox top
      docker restart -t 0 auto
      docker inspect -f '{{.State.Status}}' auto
      docker update --restart always auto 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      docker kill auto
      eventually sh -c '! docker inspect auto'`,
  },
  {
    name: 'limits are taken away',
    steps: `
      @docker run -d --name pids --pids-limit 32 busybox top
      for limit in 0 -1 -2; do docker update --pids-limit 32 pids >/dev/null; api POST /containers/pids/update "{\\"PidsLimit\\":$limit}" >/dev/null; docker inspect -f '{{.HostConfig.PidsLimit}}' pids; docker exec pids cat /sys/fs/cgroup/pids/pids.max; done`,
  },
  {
    name: 'namespaces of containers that do not run',
    steps: `
      @docker create --name still busybox
      @docker create --name p --pid container:still busybox; docker create --name i --ipc container:still busybox; docker create --name n --network container:still busybox
      api POST /containers/p/start
      api POST /containers/n/start`,
  },
  {
    name: 'a profile holds for a privileged container too',
    steps: `
      echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chown","fchownat","lchown"],"action":"SCMP_ACT_ERRNO"}]}' > profile.json
      docker run --rm --privileged --security-opt seccomp=profile.json busybox chown 42 /tmp
      docker run --rm --privileged busybox chown 42 /tmp`,
  },
  {
    name: 'prune of images: of one that is used the last name stays',
    steps: `
      @docker create --name user busybox
      for tag in a b c; do docker tag busybox made-prune:$tag; done
      docker image prune -af | grep -c made-prune
      docker images made-prune --format '{{.Tag}}'
      docker tag made-prune:c busybox`,
  },
  {
    name: 'an image that is mounted is used',
    steps: `
      @docker run --name source busybox sh -c 'echo bar > /foo' && docker commit source made-mounted && docker rm source
      @docker run -d --name mounts --mount type=image,source=made-mounted,target=/image busybox top
      docker rmi made-mounted 2>&1 | sed 's/[0-9a-f]\{12\}/ID/g'
      docker exec mounts cat /image/foo`,
  },
  {
    name: 'a load that has a poor OCI layout beside its manifest.json',
    steps: `
      @docker save -o made.tar busybox && mkdir made && tar xf made.tar -C made
      @cd made && old=$(grep -l '"layers":' blobs/sha256/*) && sed -i 's/"schemaVersion":2,//' $old && new=$(sha256sum < $old | cut -c1-64) && mv $old blobs/sha256/$new && sed -i "s/$(basename $old)/$new/" index.json
      tar c -C made . | docker load`,
  },
  {
    name: 'a subpath of a volume is filled from the image',
    steps: `
      @docker run --rm -v filled:/v busybox mkdir /v/sub
      docker run --rm --mount type=volume,src=filled,dst=/etc,volume-subpath=sub busybox true
      docker run --rm -v filled:/v busybox sh -c 'ls /v/sub | grep passwd'`,
  },
  {
    name: 'events of volumes, and events up to now',
    steps: `
      @docker info -f '{{.SystemTime}}' > since
      docker run --name vol -v named:/a -v named2:/b:ro busybox true
      @docker rm vol && docker volume rm named named2
      docker events --since "$(cat since)" --until "$(docker info -f '{{.SystemTime}}')" --filter type=volume --format '{{.Action}} {{.Actor.ID}} {{index .Actor.Attributes "destination"}} {{index .Actor.Attributes "read/write"}}' | sort
      docker create --name soon busybox >/dev/null; docker rename soon later; docker events --since "$(cat since)" --until "$(docker info -f '{{.SystemTime}}')" --filter event=rename --format '{{.Action}} {{.Actor.Attributes.name}}'`,
  },
  {
    name: 'an input that has ended before the process began',
    steps: `
      @docker run -d --name quiet busybox top
      timeout 30 docker exec -i quiet sh -c 'cat && echo ended' < /dev/null
      timeout 30 docker run -i --rm busybox sh -c 'cat && echo ended' < /dev/null`,
  },
  {
    name: 'a network that is joined through another container',
    steps: `
      @docker run -d --name net1 busybox top
      @docker run -d --name net2 --network container:net1 busybox top
      docker run --rm --network container:net2 busybox hostname | wc -c
      docker run --rm --network container:net2 busybox grep -c "$(docker inspect -f '{{.NetworkSettings.IPAddress}}' net1)" /etc/hosts
      docker create --name self --network container:self busybox >/dev/null; api POST /containers/self/start
      docker run --rm --pid container:net2 busybox ps | grep -c top`,
  },
  {
    name: 'a container that is linked to one that does not run does not start',
    steps: `
      @docker create --name parent busybox top
      @docker create --name child --link parent:alias busybox true
      api POST /containers/child/start
      docker start parent child
      docker start -a child`,
  },
  {
    name: 'names and servers that are asked for',
    steps: `
      docker run --rm -h foobar.example.com busybox sed -n '$s/^[0-9.]*//p' /etc/hosts
      docker run --rm -h foo --domainname example.com busybox sed -n '$s/^[0-9.]*//p' /etc/hosts
      docker run --rm --dns 127.0.0.1 busybox grep ^nameserver /etc/resolv.conf 2>/dev/null
      docker run --rm -e HOME= busybox env | grep HOME
      docker run --rm -v nv:/x:shared busybox true 2>&1 | head -1
      @docker run -d --name keys busybox top
      docker attach --detach-keys=ctrl-A,a keys`,
  },
  {
    name: 'a port that is asked for is not given to one of any number',
    steps: `
      @docker run -d --name first -p 80 busybox top
      next=$(($(docker port first 80 | head -1 | sed 's/.*://')+1)); docker rm -f first >/dev/null; docker run -d --name second -p 81 -p $next:8080 busybox top >/dev/null; echo $?`,
  },
  {
    name: 'TERM is of the terminal',
    steps: `
      @docker run -dt --name term busybox cat
      @docker run -dt --name own -e TERM=mine busybox cat
      docker exec term env | grep TERM
      docker exec own env | grep TERM
      docker exec -e TERM=x term env | grep TERM
      docker exec -t term env | grep TERM`,
  },
  {
    name: 'ps: what the filters show without --all',
    steps: `
      @docker network create net1
      @docker run --name f1 busybox true
      @docker run -d --name f2 --network net1 busybox top
      @docker run --name f3 busybox true
      for filter in since=f1 before=f3 exited=0 status=exited network=$(docker network inspect -f '{{.Id}}' net1 | cut -c1-5); do echo "$(docker ps --format '{{.Names}}' -f $filter | tr '\\n' ' ')"; done
      docker ps -a --format '{{.Names}}' -f since=f1`,
  },
  {
    name: 'links of other networks',
    steps: `
      @docker network create net2
      @docker run -d --name hosted --network host busybox top
      docker create --name bad --link hosted busybox
      docker create --name good --network net2 --link later:alias busybox >/dev/null; docker inspect -f '{{json .HostConfig.Links}} {{json .NetworkSettings.Networks.net2.Links}}' good
      docker create --network container busybox
      docker rmi ' '
      api POST /containers/create '{"Image":""}'`,
  },
  {
    name: 'cp -a keeps the owners of the archive unless the container has a user',
    steps: `
      @docker create --name owned busybox && docker create --name owned2 -u 33 busybox && mkdir d && echo x > d/f && chown 2:3 d/f
      docker cp -a d owned:/ && docker cp owned:/d - | tar tv | awk '{print $2, $6}' | tail -1
      docker cp -a d owned2:/ && docker cp owned2:/d - | tar tv | awk '{print $2, $6}' | tail -1`,
  },
  {
    name: 'annotations are listed since 1.46',
    steps: `
      @docker create --name an --annotation a=b busybox
      api GET '/../v1.45/containers/json?all=1' | grep -o '"HostConfig":{[^}]*}'
      api GET '/../v1.46/containers/json?all=1' | grep -o '"HostConfig":{.*"b"}'`,
  },
]
