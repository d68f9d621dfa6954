import { compare } from './compare.ts'
import type { Script } from './script.ts'

/** What a network and an endpoint may be told, seen from inside the containers. */
const scripts: readonly Script[] = [
  {
    name: 'endpoint options: link-local addresses, interface name, MAC, sysctls, gateway priority',
    steps: `
      @docker network create --subnet 10.98.1.0/24 one
      @docker network create --subnet 10.98.2.0/24 two
      docker run --rm --network name=one,ip=10.98.1.7,link-local-ip=169.254.8.8,driver-opt=com.docker.network.endpoint.ifname=left0 busybox sh -c 'ip -4 -o addr show left0 | tr -s " " | cut -d" " -f2,4'
      docker run --rm --network name=one,mac-address=02:11:22:33:44:55 busybox cat /sys/class/net/eth0/address
      docker run --rm --network name=one,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 busybox cat /proc/sys/net/ipv4/conf/eth0/log_martians
      docker run --rm --network name=one,gw-priority=1 --network name=two,gw-priority=10 busybox sh -c 'ip route | grep ^default | cut -d" " -f3'
      docker run --rm --network name=one,gw-priority=10 --network name=two,gw-priority=1 busybox sh -c 'ip route | grep ^default | cut -d" " -f3'
      docker run --rm --network name=one,link-local-ip=nonsense busybox true
      @docker run -d --name late busybox sleep 1000
      @docker network connect --ip 10.98.2.9 --gw-priority 5 --driver-opt com.docker.network.endpoint.ifname=right0 two late
      docker exec late sh -c 'ip route | grep ^default'
      docker exec late ip -4 -o addr show right0 | tr -s ' ' | cut -d' ' -f4`,
  },
  {
    name: 'IPv6, IPv6 only, MTU, icc, internal, isolated',
    steps: `
      @docker network create --ipv6 --subnet 10.98.3.0/24 --subnet fd00:98:3::/64 both
      @docker network create --ipv6 --ipv4=false --subnet fd00:98:4::/64 six
      @docker network create -o com.docker.network.driver.mtu=1400 --subnet 10.98.5.0/24 small
      @docker network create -o com.docker.network.bridge.enable_icc=false --subnet 10.98.6.0/24 apart
      @docker network create --internal --subnet 10.98.7.0/24 inside
      @docker network create --internal -o com.docker.network.bridge.gateway_mode_ipv4=isolated --subnet 10.98.8.0/24 lone
      docker network inspect -f '{{.EnableIPv4}} {{.EnableIPv6}} {{json .IPAM.Config}}' both six
      docker run --rm --network name=both,ip6=fd00:98:3::7 busybox sh -c 'ip -6 -o addr show eth0 | grep -v fe80 | tr -s " " | cut -d" " -f4'
      docker run --rm --network both busybox ping -6 -c1 -W5 fd00:98:3::1 | grep -c '1 packets received'
      docker run --rm --network six busybox sh -c 'ip -4 -o addr show eth0; ip -6 -o addr show eth0 | grep -vc fe80'
      docker run --rm --network small busybox cat /sys/class/net/eth0/mtu
      @docker run -d --name a --network apart --ip 10.98.6.9 busybox sleep 1000
      docker run --rm --network apart busybox ping -c1 -W1 10.98.6.9 >/dev/null; echo $?
      docker run --rm --network inside busybox sh -c 'ip route | grep -c default'
      docker run --rm --network lone busybox hostname -i
      docker network create -o com.docker.network.bridge.gateway_mode_ipv4=isolated --subnet 10.98.9.0/24 wrong
      docker network create -o com.docker.network.bridge.gateway_mode_ipv4=sideways --subnet 10.98.9.0/24 wrong`,
  },
  {
    name: 'very small subnets; a router other than the bridge',
    steps: `
      @docker network create --subnet 10.98.11.0/31 pair
      docker run --rm --network pair busybox sh -c 'ip route; ip -4 -o addr show eth0 | tr -s " " | cut -d" " -f4'
      @docker network create --subnet 10.98.11.4/32 one-address
      docker network inspect -f '{{json .IPAM.Config}}' pair one-address
      docker run --rm --network one-address busybox true 2>&1 | sed 's/([0-9a-f]\\{64\\})/(ID)/'
      @docker network create --internal --subnet 10.98.11.8/31 pair-inside
      docker run --rm --network pair-inside busybox hostname -i
      @docker network create --internal --subnet 10.98.11.12/32 -o com.docker.network.bridge.gateway_mode_ipv4=isolated lonely
      docker run --rm --network lonely busybox hostname -i
      @docker network create --subnet 10.98.12.0/24 --aux-address DefaultGatewayIPv4=10.98.12.77 routed-away
      docker run --rm --network routed-away busybox ip route`,
  },
  {
    name: 'addresses and links of the host that a network names',
    steps: `
      docker network create -o com.docker.network.host_ipv4=nonsense wrong
      docker network create -o com.docker.network.host_ipv6=nonsense wrong
      @docker network create --subnet 10.98.13.0/24 -o com.docker.network.host_ipv4=192.0.2.9 -o com.docker.network.bridge.trusted_host_interfaces=eth7:eth8 named
      docker network inspect -f '{{json .Options}}' named
      docker run --rm --network named -p 8086:80 busybox hostname -i`,
  },
  {
    name: 'addresses run out and come back',
    steps: `
      @docker network create --subnet 10.98.10.0/29 --ip-range 10.98.10.4/31 --aux-address host=10.98.10.3 tiny
      @docker run -d --name first --network tiny busybox sleep 1000
      @docker run -d --name second --network tiny busybox sleep 1000
      docker run --rm --network tiny busybox true 2>&1 | sed 's/([0-9a-f]\\{64\\})/(ID)/'
      docker run --rm --network tiny --ip 10.98.10.3 busybox true
      docker run --rm --network tiny --ip 10.98.10.1 busybox true
      docker run --rm --network tiny --ip 10.98.10.6 busybox hostname -i
      @docker rm -f first
      docker run --rm --network tiny busybox sh -c 'hostname -i | cut -d. -f1-3'`,
  },
]

await compare('options of networks', scripts)
