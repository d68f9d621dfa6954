import type { Script } from './script.ts'

/** A registry in the engine's network, at 127.0.0.1:5000, for the scripts that name it; it ends with the script's directory in use. */
const registry = `
      @mkdir reg; printf 'version: 0.1\\nlog: {level: error}\\nstorage: {filesystem: {rootdirectory: %s}}\\nhttp: {addr: "127.0.0.1:5000"}\\n' "$PWD/reg" > reg.yml
      @$REACH docker-registry serve reg.yml >/dev/null 2>&1 & echo $! > reg.pid; eventually $REACH busybox wget -q -O /dev/null http://127.0.0.1:5000/v2/`
const end = `
      @kill $(cat reg.pid)`

/** Images beyond the basics: what is said when they are pushed, pulled, committed, imported, removed. */
export const imageScripts: readonly Script[] = [
  {
    name: 'push and pull',
    steps: `${registry}
      @docker tag busybox 127.0.0.1:5000/made/app:v1
      docker push 127.0.0.1:5000/made/app:v1 | grep -v -e digest -e Preparing -e Waiting
      docker push 127.0.0.1:5000/made/app:v1 | grep -v -e digest -e Preparing -e Waiting
      @docker tag busybox 127.0.0.1:5000/made/copy
      docker push 127.0.0.1:5000/made/copy | grep -v -e digest -e Preparing -e Waiting
      docker push -q 127.0.0.1:5000/made/copy
      docker push 127.0.0.1:5000/made/app:v2
      docker push 127.0.0.1:5000/made/none
      docker images --filter reference='127.0.0.1:5000/made/*' --format '{{.Repository}} {{.Tag}}' | sort
      docker rmi 127.0.0.1:5000/made/app:v1 127.0.0.1:5000/made/copy | grep -v sha256
      docker pull 127.0.0.1:5000/made/app:v1 | grep -v -e Digest -e Verifying -e Waiting
      docker pull 127.0.0.1:5000/made/app:v1 | grep -v -e Digest -e Verifying -e Waiting
      docker pull -q 127.0.0.1:5000/made/app:v1
      docker pull 127.0.0.1:5000/made/app:nope
      docker pull 127.0.0.1:5000/made/nope
      docker pull 127.0.0.1:1/app
      docker pull -a 127.0.0.1:5000/made/app | grep -v -e Digest -e Verifying -e Waiting
      docker pull -a 127.0.0.1:5000/made/app:v1
      docker pull --platform linux/arm64 127.0.0.1:5000/made/copy | grep -v -e Digest
      docker run --rm --platform linux/arm64 busybox true 2>&1 | head -1
      docker image inspect -f '{{len .RepoDigests}} {{.RepoTags}}' 127.0.0.1:5000/made/app:v1
      docker login -u x -p y 127.0.0.1:1 2>&1 | grep -v WARNING
      docker rmi 127.0.0.1:5000/made/app:v1 127.0.0.1:5000/made/copy | grep -v sha256
      ${end}`,
  },
  {
    name: 'pull of missing layers and by digest',
    steps: `${registry}
      @docker run --name c1 busybox sh -c 'echo hello > /f'
      @docker commit c1 127.0.0.1:5000/made/two:x
      docker push 127.0.0.1:5000/made/two:x | grep -c -e Pushed
      @docker rm c1; docker image inspect -f '{{index .RepoDigests 0}}' 127.0.0.1:5000/made/two:x > digest
      docker rmi 127.0.0.1:5000/made/two:x | cut -d: -f1
      docker pull 127.0.0.1:5000/made/two:x | grep -v -e Digest -e Verifying -e Waiting | sed 's,^[0-9a-f]\\{12\\}:,ID:,' | sort
      docker rmi 127.0.0.1:5000/made/two:x | cut -d: -f1
      docker pull $(cat digest) | sed 's/@sha256.*//' | grep -v -e Digest -e Verifying -e Waiting | sed 's,^[0-9a-f]\\{12\\}:,ID:,' | sort
      docker images --format '{{.Repository}} {{.Tag}}' 127.0.0.1:5000/made/two
      docker rmi $(cat digest) | cut -d: -f1
      ${end}`,
  },
  {
    name: 'commit',
    steps: `
      @docker run --name c1 -e X=y -w /tmp --user 1 busybox sh -c 'true'
      docker commit -a 'An Author' -m 'a message' c1 made:committed | wc -l
      docker image inspect -f '{{json .Config.Env}} {{json .Config.Cmd}} {{.Config.WorkingDir}} {{.Config.User}} {{.Author}} {{.Comment}} {{len .RootFS.Layers}}' made:committed
      docker history --format '{{.CreatedBy}}|{{.Comment}}|{{.Size}}' made:committed
      docker commit -c 'CMD ["a","b"]' -c 'ENTRYPOINT /bin/e' -c 'ENV A=b C="d e"' -c 'EXPOSE 80 443/udp' -c 'LABEL l=m' -c 'ONBUILD RUN x' -c 'USER nobody' -c 'VOLUME /v' -c 'WORKDIR /w' -c 'STOPSIGNAL SIGINT' c1 made:changed | wc -l
      docker image inspect -f '{{json .Config.Cmd}} {{json .Config.Entrypoint}} {{json .Config.Env}} {{json .Config.ExposedPorts}} {{json .Config.Labels}} {{json .Config.OnBuild}} {{.Config.User}} {{json .Config.Volumes}} {{.Config.WorkingDir}} {{.Config.StopSignal}}' made:changed
      docker commit -c 'HEALTHCHECK --interval=5s CMD true' c1 made:health | wc -l
      docker image inspect -f '{{json .Config.Healthcheck}}' made:health
      docker commit -c 'RUN x' c1
      docker commit -c 'FROM x' c1
      docker commit nobody
      docker commit c1 'Bad:Name'
      @docker rm c1`,
  },
  {
    name: 'import',
    steps: `
      @mkdir -p d/etc; echo hi > d/etc/f; tar -C d -cf i.tar .; gzip -k i.tar
      docker import -m 'my message' -c 'CMD ["x"]' -c 'ENV A=b' i.tar made:imported | cut -d: -f1
      docker image inspect -f '{{.Comment}} {{json .Config.Cmd}} {{json .Config.Env}} {{len .RootFS.Layers}} {{.Os}}' made:imported
      docker history --format '{{.CreatedBy}}|{{.Comment}}' made:imported
      docker import i.tar.gz made:gz | cut -d: -f1
      docker import --platform linux/arm64 - made:arm < i.tar | cut -d: -f1
      docker image inspect -f '{{.Architecture}}' made:arm
      docker import nothing.tar
      docker import i.tar 'Bad:Name'
      docker image inspect -f '{{index .RootFS.Layers 0}}' made:gz made:imported | sort -u | wc -l
      @bzip2 -k i.tar; truncate -s 3M d/hole; echo end >> d/hole; echo d > d/data
      docker import i.tar.bz2 made:bz | cut -d: -f1
      docker image inspect -f '{{index .RootFS.Layers 0}}' made:bz made:imported | sort -u | wc -l
      @for v in 0.0 0.1 1.0; do tar -C d --sparse --format=posix --sparse-version=$v -cf - . | docker import - made:sparse$v; docker create --name sp$v made:sparse$v x; done
      for v in 0.0 0.1 1.0; do docker cp sp$v:/hole - | tar -xO | sha256sum; done
      @docker save -o made.tar made:bz; bzip2 made.tar; docker rmi made:bz
      docker image inspect -f '{{.Size}}' made:sparse1.0
      docker load -i made.tar.bz2
      @tar -C d -cjf in.tar.bz2 data; printf 'FROM made:bz\\nADD in.tar.bz2 /put/\\n' > d/Dockerfile; cp in.tar.bz2 d/; DOCKER_BUILDKIT=0 docker build -q -t made:added d
      @docker create --name ad made:added x
      docker cp ad:/put - | tar -t
      @docker rm ad sp0.0 sp0.1 sp1.0`,
  },
  {
    name: 'rmi: what is held, what goes',
    steps: `
      @docker tag busybox made:one; docker tag busybox made:two
      docker rmi busybox@sha256:$(printf 'a%.0s' $(seq 64))
      docker rmi nobody busybox:nope made:one
      @docker create --name c1 busybox; docker commit c1 made:child
      docker rmi made:child | cut -d: -f1
      @docker commit c1 made:child
      @docker run -d --name c2 made:child sleep 1000
      docker rmi made:child 2>&1 | sed 's/ [0-9a-f]\\{12\\}/ ID/g'
      docker rmi -f $(docker images -q made:child) 2>&1 | sed 's/ [0-9a-f]\\{12\\}/ ID/g'
      docker rmi -f made:child 2>&1 | cut -d: -f1
      docker ps --format '{{.Image}}' --filter name=c2 | wc -c
      @docker rm -f c2
      docker rmi $(docker images -q --filter dangling=true) | cut -d: -f1
      docker rmi made:two made:two 2>&1
      @docker rm c1`,
  },
  {
    name: 'save several, load again',
    steps: `
      @docker tag busybox made:s1; docker tag busybox made:s2
      docker save made:s1 made:s2 busybox -o all.tar; docker load -i all.tar
      docker save made -o repo.tar; docker load -i repo.tar
      docker save $(docker images -q --no-trunc busybox) -o id.tar; docker load -i id.tar
      docker save --platform linux/s390x made:s1 -o p.tar
      tar xOf all.tar manifest.json | grep -o '"RepoTags":[^]]*]'
      tar tf all.tar | grep -v blobs/sha256/. | sort`,
  },
  {
    name: 'events of images',
    steps: `
      @date +%s.%N > since; docker tag busybox made:e; docker rmi made:e; docker save busybox -o x.tar; docker load -i x.tar
      docker events --since $(cat since) --until $(( $(date +%s) + 1 )) --filter type=image --format '{{.Action}} {{index .Actor.Attributes "name"}}'`,
  },
]
