import type { Script } from './script.ts'

/** Images, volumes, mounts and builds. */
export const storageScripts: readonly Script[] = [
  {
    name: 'images: list, inspect, tag, rmi',
    steps: `
      docker images --format '{{.Repository}}:{{.Tag}}' busybox
      docker image inspect -f '{{json .Config.Cmd}} {{json .Config.Env}} {{.Os}}/{{.Architecture}} {{json .RepoTags}} {{len .RootFS.Layers}} {{.Id}}' busybox
      docker tag busybox made:a
      docker tag busybox localhost:5000/made/deep:b
      docker tag busybox 'Bad:Tag'
      docker tag nobody made:c
      docker images --format '{{.Repository}}:{{.Tag}}' --filter reference='made*'
      docker rmi made:a
      docker rmi localhost:5000/made/deep:b
      docker rmi made:a
      @docker create --name user busybox
      docker rmi busybox 2>&1 | sed 's/ [0-9a-f]\\{12\\}/ ID/g'
      docker image inspect nobody
      docker history --format '{{.CreatedBy}} {{.Comment}}' busybox
      docker images --filter nonsense=1
      docker images -q --no-trunc busybox`,
  },
  {
    name: 'save and load',
    steps: `
      @docker tag busybox made:saved
      docker save made:saved -o s.tar; tar xOf s.tar manifest.json | grep -o '"RepoTags":[^]]*]'
      docker rmi made:saved
      docker load -i s.tar
      docker run --rm made:saved echo loaded
      gzip s.tar; docker load < s.tar.gz
      echo junk > j; docker load -i j 2>&1 | wc -l
      docker save nobody -o n.tar`,
  },
  {
    name: 'image prune and filters',
    steps: `
      @docker create --name c1 busybox
      docker commit c1 >/dev/null; echo $?
      docker images --filter dangling=true --format '{{.Repository}}:{{.Tag}}'
      docker image prune -f | tail -1 | cut -c1-23
      docker images --filter dangling=true -q | wc -l
      docker images --filter label=none -q | wc -l`,
  },
  {
    name: 'volumes: create, list, inspect, rm, prune',
    steps: `
      docker volume create v1
      docker volume create --label a=b v2
      docker volume create v1
      docker volume ls --format '{{.Name}} {{.Driver}} {{.Labels}}' --filter name=v
      docker volume ls -q --filter label=a=b
      docker volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{json .Labels}} {{json .Options}}' v1 v2
      docker volume rm v1
      docker volume rm v1
      docker volume rm -f v1
      docker volume create 'bad/name'
      docker volume create x
      @docker run -d --name holds -v v2:/data busybox sleep 1000
      docker volume rm v2 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      docker volume ls -q --filter dangling=true
      docker volume prune -af --filter label=a=b | tail -1
      docker volume prune -af | tail -1
      docker volume ls -q`,
  },
  {
    name: 'what a volume holds',
    steps: `
      docker run --rm -v keep:/data busybox sh -c 'echo stays > /data/f'
      docker run --rm -v keep:/data busybox cat /data/f
      docker run --rm -v keep:/data:ro busybox sh -c 'touch /data/g'
      docker run --rm -v keep:/etc busybox ls /etc
      docker run --rm -v fresh:/etc busybox ls /etc
      docker run --rm --mount type=volume,source=nocopy,target=/etc,volume-nocopy busybox ls /etc
      docker run --rm -v keep:/a -v keep:/b busybox sh -c 'echo two > /a/x; cat /b/x'
      @docker run --name anon -v /anon busybox sh -c 'echo 1 > /anon/f'
      docker inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Driver}} {{.Mode}}{{end}}' anon
      docker run --rm --volumes-from anon busybox cat /anon/f
      docker run --rm --volumes-from anon:ro busybox touch /anon/g
      docker rm -v anon
      docker volume ls -q`,
  },
  {
    name: 'bind mounts',
    steps: `
      @mkdir b && echo host > b/f
      docker run --rm -v $PWD/b:/b busybox cat /b/f
      docker run --rm -v $PWD/b:/b:ro busybox touch /b/g
      docker run --rm --mount type=bind,source=$PWD/b/f,target=/file,readonly busybox sh -c 'cat /file; echo x > /file'
      docker run --rm -v $PWD/made:/m busybox touch /m/x; ls made
      @docker create --name bound -v $PWD/b:/b:ro --tmpfs /t --mount type=tmpfs,target=/u,tmpfs-size=1000000 -v named:/n busybox
      docker inspect -f '{{range .HostConfig.Binds}}{{println .}}{{end}}' bound | sort
      docker inspect -f '{{json .HostConfig.Mounts}} {{json .HostConfig.Tmpfs}}' bound
      docker inspect -f '{{range .Mounts}}{{.Type}}|{{.Name}}|{{.Destination}}|{{.Mode}}|{{.RW}}|{{.Propagation}};{{end}}' bound | tr ';' '\\n' | sort
      docker run --rm -v /b busybox sh -c 'mount | grep -c " /b "'
      docker run --rm -v $PWD/b:/b -v $PWD/b:/b busybox true
      docker run --rm -v $PWD/b:relative busybox true
      docker run --rm -v $PWD/b:/ busybox true`,
  },
  {
    name: 'tmpfs and read-only root',
    steps: `
      docker run --rm --read-only --tmpfs /run busybox sh -c 'touch /run/x && echo ok; touch /x'
      docker run --rm --mount type=tmpfs,target=/t,tmpfs-mode=0711 busybox stat -c %a /t
      docker run --rm --read-only -v vol:/v busybox sh -c 'touch /v/x && echo ok'`,
  },
  {
    name: 'build: the classic builder, and its cache',
    steps: `
      @printf 'FROM busybox\\nARG WHO=you\\nENV A=1\\nLABEL l=1\\nWORKDIR /w\\nCOPY f .\\nRUN echo $WHO > who\\nUSER 33\\nEXPOSE 80\\nVOLUME /v\\nENTRYPOINT ["cat"]\\nCMD ["who"]\\n' > Dockerfile; echo file > f
      DOCKER_BUILDKIT=0 docker build -q -t made:b . >/dev/null 2>&1; echo $?
      docker run --rm made:b
      docker run --rm made:b f
      docker inspect -f '{{json .Config.Env}} {{.Config.WorkingDir}} {{.Config.User}} {{json .Config.ExposedPorts}} {{json .Config.Volumes}} {{json .Config.Labels}} {{json .Config.Entrypoint}} {{json .Config.Cmd}}' made:b
      DOCKER_BUILDKIT=0 docker build --build-arg WHO=me -q -t made:b . >/dev/null 2>&1; docker run --rm made:b
      DOCKER_BUILDKIT=0 docker build -t made:c . 2>/dev/null | grep -c 'Using cache'
      printf 'FROM busybox\\nRUN false\\n' > Dockerfile; DOCKER_BUILDKIT=0 docker build . 2>&1 | tail -1
      printf 'FROM busybox\\nCOPY nothere /\\n' > Dockerfile; DOCKER_BUILDKIT=0 docker build . 2>&1 | tail -1
      printf 'FROM busybox\\nNOSUCH x\\n' > Dockerfile; DOCKER_BUILDKIT=0 docker build . 2>&1 | tail -1
      printf '' > Dockerfile; DOCKER_BUILDKIT=0 docker build . 2>&1 | tail -1
      printf 'FROM busybox AS one\\nRUN echo 1 > /x\\nFROM busybox\\nCOPY --from=one /x /y\\nRUN rm /bin/vi\\n' > Dockerfile; DOCKER_BUILDKIT=0 docker build -q -t made:m . >/dev/null 2>&1; docker run --rm made:m sh -c 'cat /y; ls /bin/vi'
      printf 'FROM busybox\\nHEALTHCHECK --interval=5s CMD true\\nSTOPSIGNAL USR1\\nSHELL ["/bin/sh","-ec"]\\nRUN echo hi\\nONBUILD RUN echo later\\n' > Dockerfile; DOCKER_BUILDKIT=0 docker build -q -t made:h . >/dev/null 2>&1; docker inspect -f '{{json .Config.Healthcheck}} {{.Config.StopSignal}} {{json .Config.Shell}} {{json .Config.OnBuild}}' made:h`,
  },
  {
    name: 'files go into the volumes and binds of a container that never ran',
    steps: `
      mkdir -p early/bind; echo file > early/bind/file; echo one > early/one
      @docker create --name early -v /vol -v $PWD/early/bind:/bind:ro -v $PWD/early/one:/deep/er/one busybox cat /vol/one /bind/file /deep/er/one
      docker cp -q early/one early:/vol
      docker cp -q early/one early:/vol/two
      docker cp early/one early:/bind
      docker cp early:/bind - | tar t
      docker cp early:/vol/. - | tar t | sort
      docker cp early:/deep - | tar t
      tar c -C early one | docker cp - early:/vol
      docker start -a early
      docker rm -v early`,
  },
  {
    name: 'build: what .dockerignore names is not in the context, even when it was sent',
    steps: `
      mkdir ctx; printf 'FROM busybox\\nCOPY . /src\\nRUN ls -a /src\\n' > ctx/Dockerfile; echo x > ctx/file; printf '.dockerignore\\nDocker*\\n' > ctx/.dockerignore
      tar c -C ctx . | DOCKER_BUILDKIT=0 docker build - 2>/dev/null | grep -v -e '--->' -e Successfully -e Removed`,
  },
  {
    name: 'whom copied files belong to',
    steps: `
      mkdir own; echo x > own/x; chown 4242:4343 own/x
      @docker create --name nouser busybox; docker create --name user --user 33:44 busybox
      for c in nouser user; do docker cp -q own/x $c:/plain; docker cp -q -a own/x $c:/archived; docker cp $c:/plain - | tar tv --numeric-owner | cut -d' ' -f2; docker cp $c:/archived - | tar tv --numeric-owner | cut -d' ' -f2; done
      docker rm nouser user`,
  },
  {
    name: 'build: --cache-from takes from the images it names and from nothing else',
    steps: `
      @mkdir from; printf 'FROM busybox\\nENV FOO=bar\\nRUN touch baz\\nRUN touch bax\\n' > from/Dockerfile
      @DOCKER_BUILDKIT=0 docker build -t from:1 from
      DOCKER_BUILDKIT=0 docker build --cache-from from:1 from 2>/dev/null | grep -c 'Using cache'
      DOCKER_BUILDKIT=0 docker build --cache-from nothing:here from 2>/dev/null | grep -c 'Using cache'
      DOCKER_BUILDKIT=0 docker build from 2>/dev/null | grep -c 'Using cache'`,
  },
]
