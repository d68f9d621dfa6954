import type { Script } from './script.ts'

/** Networks, names and ports. `$REACH COMMAND` runs where published ports of the daemon can be reached. */
export const networkScripts: readonly Script[] = [
  {
    name: 'networks: create, list, inspect, rm',
    steps: `
      docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'
      @docker network create --subnet 10.91.0.0/24 --gateway 10.91.0.254 --ip-range 10.91.0.128/25 --label a=b -o com.docker.network.bridge.enable_icc=true n1
      docker network inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{json .IPAM.Config}} {{.Internal}} {{.Attachable}} {{.EnableIPv6}} {{json .Labels}} {{json .Options}} {{json .Containers}}' n1
      docker network create n1
      docker network create --subnet 10.91.0.0/25 n2
      docker network create --subnet bad n3
      docker network create --internal inside >/dev/null; docker network inspect -f '{{.Internal}}' inside
      docker network ls --filter label=a=b --format '{{.Name}}'
      docker network ls --filter driver=bridge --filter type=custom --format '{{.Name}}'
      docker network ls --filter name=ins --format '{{.Name}}'
      docker network rm n1 inside
      docker network rm n1
      docker network rm bridge
      docker network inspect nobody
      docker network create bridge
      docker network create ''`,
  },
  {
    name: 'containers on a network find each other by name',
    steps: `
      @docker network create --subnet 10.92.0.0/24 names
      @docker run -d --name server --network names --network-alias alias1 --ip 10.92.0.10 busybox sleep 1000
      docker run --rm --network names busybox nslookup server | grep -A1 Name
      docker run --rm --network names busybox nslookup alias1 | grep -A1 Name
      docker run --rm --network names busybox ping -c1 -W5 server | grep -c '1 packets received'
      docker run --rm --network names busybox nslookup -type=a nobody-here >/dev/null 2>&1; echo $?
      docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{$v.IPAddress}} {{$v.Gateway}} {{$v.IPPrefixLen}} {{json $v.Aliases}} {{json $v.IPAMConfig}}{{end}}' server
      docker exec server cat /etc/resolv.conf | grep -E '^(nameserver|options)'
      docker exec server cat /etc/hosts | grep 10.92 | cut -f1
      docker network rm names 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/g'
      docker run --rm --network names --ip 10.92.0.10 busybox true
      docker run --rm --network names --ip 10.93.0.1 busybox true
`,
  },
  {
    name: 'connect and disconnect',
    steps: `
      @docker network create --subnet 10.94.0.0/24 extra
      @docker run -d --name moves busybox sleep 1000
      docker network connect --alias m --ip 10.94.0.7 extra moves
      docker exec moves ip -4 -o addr show | grep -c 10.94.0.7
      docker inspect -f '{{range $k, $v := .NetworkSettings.Networks}}{{$k}} {{end}}' moves
      docker network connect extra moves 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/g'
      docker run --rm --network extra busybox nslookup m | grep -A1 Name
      docker network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' extra
      docker network disconnect extra moves
      docker exec moves ip -4 -o addr show | grep -c 10.94.0.7
      docker network disconnect extra moves 2>&1 | sed 's/[0-9a-f]\\{64\\}/ID/g'
      docker network disconnect -f extra nobody
      docker network connect nobody moves
      docker network connect extra nobody
      docker network connect host moves`,
  },
  {
    name: 'published ports',
    steps: `
      @docker run -d --name web -p 18080:80 -p 127.0.0.1:18081:81/tcp busybox sh -c 'echo page > /tmp/index.html; httpd -f -p 80 -h /tmp'
      eventually $REACH curl -fsS --max-time 2 http://127.0.0.1:18080/
      $REACH curl -fsS --max-time 5 http://127.0.0.1:18080/
      docker port web
      docker port web 80
      docker port web 99
      docker ps --format '{{.Ports}}' --filter name=web
      docker run --rm -p 18080:80 busybox true 2>&1 | grep -c 'already allocated'
      docker run --rm -p 70000:80 busybox true
      docker run --rm -p x:80 busybox true
      @docker stop -t 0 web
      docker port web
      $REACH curl -sS --max-time 2 http://127.0.0.1:18080/ >/dev/null 2>&1; echo $?
      @docker start web
      eventually $REACH curl -fsS --max-time 2 http://127.0.0.1:18080/
      docker inspect -f '{{json .NetworkSettings.Ports}}' web`,
  },
  {
    name: 'ports chosen by the daemon, ranges, udp, --publish-all',
    steps: `
      @docker run -d --name any -p 80 -p 53/udp --expose 90 -P busybox sleep 1000
      docker port any | grep -v -F '[::]' | sed 's/:[0-9]*$/:N/'
      @docker create --name range -p 18100-18101:80-81 busybox
      docker inspect -f '{{json .HostConfig.PortBindings}}' range`,
  },
  {
    name: 'host, none, and modes that exclude each other',
    steps: `
      docker run --rm --network none busybox sh -c 'ip -o link | wc -l; ip route | wc -l'
      docker run --rm --network host busybox sh -c 'ip -o link | grep -c LOOPBACK'
      docker run --rm --network host busybox cat /etc/resolv.conf >/dev/null; echo $?
      docker inspect -f '{{.HostConfig.NetworkMode}}' $(docker create --network none busybox)
      docker run --rm --dns 1.2.3.4 --dns-search example.org --dns-option timeout:3 busybox cat /etc/resolv.conf | grep -E '^(nameserver|search|options)'
      docker run --rm --mac-address 02:00:00:00:00:11 busybox ip link show eth0 | grep -c 02:00:00:00:00:11
      docker run --rm --link nobody busybox true`,
  },
  {
    name: 'network prune',
    steps: `
      @docker network create -o com.docker.network.bridge.name=brmadeT1 p1
      @docker network create p2
      @docker run -d --name uses --network p2 busybox sleep 1000
      docker network prune -f
      docker network ls --filter type=custom --format '{{.Name}}'`,
  },
  {
    name: 'a network may have any name',
    steps: `
      @docker network create 'a b/c'
      docker network inspect -f '{{.Name}}' 'a b/c'
      docker run --rm --network 'a b/c' busybox true
      docker network rm 'a b/c'
      docker network create ' '`,
  },
  {
    name: 'a link is taken away',
    steps: `
      @docker run -d --name linked busybox sleep 1000
      @docker create --name linking --link linked:alias busybox true
      docker inspect -f '{{.HostConfig.Links}}' linking
      docker rm --link linking/alias
      docker inspect -f '{{.HostConfig.Links}}' linking
      docker rm --link linking/alias 2>&1 | head -1
      docker rm -f linked linking`,
  },
]
