import type { Script } from './script.ts'

/** Volumes. */
export const volumeScripts: readonly Script[] = [
  {
    name: 'volumes: mount options of the driver local',
    steps: `
      docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,uid=33 memory
      docker run --rm -v memory:/m busybox sh -c 'mount | grep " /m " | grep -o "size=1024k,uid=33"; touch /m/x; ls /m'
      docker run --rm -v memory:/m busybox ls /m
      docker volume inspect -f '{{json .Options}} {{.Scope}}' memory
      @mkdir there && echo host > there/f
      docker volume create -o type=none -o device=$PWD/there -o o=bind bound
      docker run --rm -v bound:/b busybox sh -c 'cat /b/f; echo more > /b/g'; cat there/g
      docker run --rm -v bound:/b:ro busybox touch /b/h
      docker volume rm bound; cat there/f
      docker volume create -o type=none -o device=$PWD/absent -o o=bind absent
      docker run --rm -v absent:/b busybox true 2>&1 | sed "s#/[^ ':]*_data#DATA#g" | head -1
      docker volume create -o type=tmpfs bad
      docker volume create -o o=ro bad
      docker volume create -o nosuch=x bad
      docker volume create -o type=nosuchfs -o device=x strange
      docker run --rm -v strange:/s busybox true 2>&1 | grep -c 'no such device'
      docker volume create -o type=cifs -o device=//127.0.0.1/x -o o=addr=127.0.0.1,username=u,password=secret windows
      docker run --rm -v windows:/s busybox true 2>&1 | sed "s#/[^ ':]*_data#DATA#g" | head -1
      docker volume create -o size=1m sized
      docker volume prune -f --filter all=maybe`,
  },
  {
    name: 'volumes: what is made twice, listed, filtered',
    steps: `
      docker volume create --label a=1 --label b va
      docker volume create --label a=2 va
      docker volume inspect -f '{{json .Labels}}' va
      @docker volume create vb
      @docker run -d --name holder -v vb:/x -v /anon busybox top
      docker volume ls -q -f dangling=false | grep -v '^................................................................$'
      docker volume ls -q -f dangling=true
      docker volume ls -q -f label=a
      docker volume ls -q -f label=a=1 -f label=b
      docker volume ls -q -f label=a=9
      docker volume ls -q -f name=v
      docker volume ls -q -f driver=local -f name=va
      docker volume ls -q -f driver=nobody
      docker volume ls -f nosuch=x
      docker volume ls -f dangling=maybe
      docker volume ls --format '{{json .}}' -f name=vb | tr , '\\n' | grep -v Mountpoint | sort
      docker volume inspect va nobody | grep -v Mountpoint
      docker volume rm vb 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      docker volume rm -f vb 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/'
      docker volume prune -f | tail -1
      docker volume ls -q -f name=va
      docker volume prune -af --filter 'label!=a' | tail -1
      docker volume prune -af --filter label=b | head -2
      docker volume prune -f --filter nosuch=x
      docker rm -fv holder
      docker volume ls -q`,
  },
  {
    name: 'volumes: sizes, and updates that only clusters have',
    steps: `
      @docker volume create plain
      @docker volume create -o type=tmpfs -o device=tmpfs mounted
      @docker run --rm -v plain:/p busybox sh -c 'head -c 1000000 /dev/zero > /p/f'
      @docker create --name uses -v plain:/p busybox
      docker system df -v --format '{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}{{println}}{{end}}'
      docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}' | grep Volumes
      docker volume update --availability pause plain
      docker volume update --availability pause nobody`,
  },
  {
    name: 'volumes of other containers, and their modes',
    steps: `
      @docker volume create named
      @mkdir host && echo h > host/f
      @docker run --name one -v named:/named -v $PWD/host:/host:ro -v /anon busybox sh -c 'echo n > /named/f; echo a > /anon/f'
      docker run --rm --volumes-from one busybox sh -c 'cat /named/f /host/f /anon/f'
      docker run --rm --volumes-from one:ro busybox sh -c 'touch /named/x; touch /anon/x'
      docker run --rm --volumes-from one:rw busybox sh -c 'touch /named/x && touch /host/x'
      docker run --rm --volumes-from one:z busybox cat /named/f
      docker run --rm --volumes-from one:nosuch busybox true
      docker run --rm --volumes-from nobody busybox true
      docker run --rm --volumes-from one -v other:/named busybox ls /named
      @docker create --name two --volumes-from one:ro busybox
      docker inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}} {{.Mode}};{{end}}' two | tr ';' '\\n' | sort
      docker inspect -f '{{json .HostConfig.VolumesFrom}}' two
      docker rm -v one
      docker start -a two; echo $?
      docker rm -v two
      docker volume ls -q`,
  },
  {
    name: 'volumes: what an image has at their place',
    steps: `
      @printf 'FROM busybox\\nRUN mkdir /d && echo image > /d/f && chmod 750 /d && chown 33:34 /d\\nVOLUME /d\\n' > Dockerfile
      @DOCKER_BUILDKIT=0 docker build -q -t made:v .
      docker run --rm -v fill:/d made:v sh -c 'cat /d/f; stat -c "%a %u %g" /d'
      docker run --rm -v fill:/d made:v sh -c 'rm /d/f; touch /d/g'
      docker run --rm -v fill:/d made:v ls /d
      docker run --rm -v empty:/d:nocopy made:v sh -c 'ls /d; stat -c "%a %u %g" /d'
      docker run --rm --mount type=volume,src=m,dst=/d,volume-nocopy made:v ls /d
      docker run --rm --mount type=volume,src=ro,dst=/d,readonly made:v sh -c 'cat /d/f; touch /d/x'
      docker run --rm --mount type=volume,src=fill,dst=/d,volume-subpath=nosuch made:v true 2>&1 | sed 's#/[^ ]*_data#DATA#g' | head -1 | cut -c1-80
      docker run --rm made:v cat /d/f
      docker volume ls -q | wc -l`,
  },
]
