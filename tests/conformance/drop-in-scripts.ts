import type { Script } from './script.ts'

/** What programs beside the docker CLI rely on: statuses and words of refusals, odd paths, older versions of the API. */
export const dropInScripts: readonly Script[] = [
  {
    name: 'bodies that are no JSON',
    steps: `
      api POST /containers/create '{'
      api POST /containers/create 'x'
      api POST /containers/create '{a: 1}'
      api POST /containers/create '{"Image":"busybox"} {}'
      api POST /containers/nobody/exec '{"Cmd"'
      api POST /containers/nobody/update '[1 2]'
      api POST /networks/create '{"Name":tru'`,
  },
  {
    name: 'create refuses in dockerd’s words',
    steps: `
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Tmpfs":{".":""}}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Tmpfs":{"//":""}}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/"}]}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Mounts":[{"Type":"volume","Target":"x"}]}}'
      api POST /containers/create '{"Image":"busybox","HostConfig":{"Annotations":{"":"x"}}}'
      api POST /../v1.43/containers/create '{"Image":"busybox","NetworkingConfig":{"EndpointsConfig":{"n1":{},"n2":{}}}}'
      docker create --name slash -w /tmp/../var/ busybox >/dev/null && docker inspect -f '{{.Config.WorkingDir}}' slash`,
  },
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
    name: 'exec: an unknown user, a directory, a terminal that the start does not know of',
    steps: `
      @docker run -d --name ex busybox top
      api POST /containers/ex/exec '{"Cmd":["id"],"User":"nosuch"}'
      api POST /containers/ex/exec '{"Cmd":["id"],"User":"0:nosuch"}'
      docker exec -u nosuch ex id
      docker exec ex /etc >/dev/null 2>&1
      run() { id=$(api POST /containers/ex/exec "$1" | sed 's/.*"Id":"\\([0-9a-f]*\\)".*/\\1/'); api POST /exec/$id/start "$2" | od -c | head -3; }; run '{"AttachStdout":true,"Tty":true,"Cmd":["echo","x"]}' '{}'; run '{"AttachStdout":true,"Cmd":["echo","x"]}' '{"Tty":true}'
      api POST '/containers/ex/resize?h=-1&w=5'
      api POST '/containers/ex/resize?h=5&w=4294967296'
      api POST '/containers/ex/resize?h=5&w=x'`,
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
    name: 'links by their names',
    steps: `
      @docker run -d --name db busybox top
      @docker run -d --name app --link db:mysql --link db busybox top
      docker inspect -f '{{json .HostConfig.Links}}' app | tr ',' '\\n' | tr -d '[]' | sort
      docker inspect -f '{{.Name}}' app/mysql
      docker rename db db2
      docker rename app app2
      docker inspect -f '{{.Name}}' app2/mysql
      docker inspect -f '{{json .HostConfig.Links}}' app2 | tr ',' '\\n' | tr -d '[]' | sort
      docker exec app2/mysql echo reached
      docker inspect app/mysql`,
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
    name: 'platforms that are none',
    steps: `
      for platform in foobar '*' / linux/ a/b/c/d nintendo64 macos windows/amd64; do tar c -C /etc hostname | curl -sS --unix-socket "\${DOCKER_HOST#unix://}" -X POST "http://d/v1.51/images/create?fromSrc=-&platform=$platform" -H 'Content-Type: application/x-tar' --data-binary @- | cut -d: -f1-6 | sed 's/supported: .*/supported"}/'; done
      docker pull -q --platform foobar 127.0.0.1:1/none`,
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
    name: 'requests of API clients',
    steps: `
      api OPTIONS /containers/json
      api POST /containers/create '{}'
      api POST /containers/create '{"HostConfig":{}}'
      @docker run -d --name api1 busybox top
      api POST /containers/api1/exec '{"Cmd":[]}'
      @docker create --name modes -v /a --mount type=volume,target=/b --mount type=volume,source=n1,target=/c -v n2:/d busybox
      docker inspect -f '{{range .Mounts}}{{.Destination}}={{.Mode}};{{end}}' modes | tr ';' '\\n' | sort
      id=$(api POST '/commit?container=api1&repo=made-commit' '{"Labels":{"a":"b"},"Env":["X=y"]}'); docker inspect -f '{{json .Config.Cmd}} {{json .Config.Labels}} {{json .Config.Env}}' made-commit
      id=$(api POST /containers/api1/exec '{"Cmd":["true"]}' | cut -d'"' -f4); docker restart -t 0 api1 >/dev/null; api POST /exec/$id/start '{}'`,
  },
  {
    name: 'links that are taken away, and containers that were never started',
    steps: `
      @docker run -d --name one busybox top
      @docker create --name two --link one --link one:alias busybox
      docker rm --link two/alias
      docker inspect -f '{{json .HostConfig.Links}}' two
      docker rm --link two/one
      docker inspect -f '{{json .HostConfig.Links}}' two
      docker create --name dir -w /made/here busybox >/dev/null; echo x > f; docker cp f dir:/made/here/f; docker cp dir:/made/here - | tar t
      docker run --name ended --hostname myname busybox true; docker cp ended:/etc/hostname - | tar xO`,
  },
  {
    name: 'annotations are listed since 1.46',
    steps: `
      @docker create --name an --annotation a=b busybox
      api GET '/../v1.45/containers/json?all=1' | grep -o '"HostConfig":{[^}]*}'
      api GET '/../v1.46/containers/json?all=1' | grep -o '"HostConfig":{.*"b"}'`,
  },
]
