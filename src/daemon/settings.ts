/** How a setting is written: a list may be given several times, a map as `name=value`. */
export type SettingKind = 'boolean' | 'string' | 'integer' | 'list' | 'map' | 'object'

export interface Setting {
  /** The key in daemon.json. */
  readonly key: string
  readonly kind: SettingKind
  /** The flag without its dashes, where it is not the key; null when there is none. */
  readonly flag?: string | null
  /** The flag of one letter. */
  readonly letter?: string
  /** Takes effect on SIGHUP. */
  readonly reloads?: boolean
  readonly help: string
  /** Why it changes nothing here though it is accepted: told in the log at the start. */
  readonly noEffect?: string
  /** What of dockerd's is refused, and why: nothing is ignored in silence. */
  readonly refused?: string
}

const CONTAINERD = 'Wharf runs containers without containerd'
const SWARM = 'Wharf has no swarm mode'

/** Every setting, by dockerd's names (dockerd(8), daemon.json). */
export const SETTINGS: readonly Setting[] = [
  { key: 'data-root', kind: 'string', help: 'Root directory of persistent state' },
  { key: 'exec-root', kind: 'string', help: 'Root directory of execution state files' },
  { key: 'pidfile', kind: 'string', letter: 'p', help: 'Path of the PID file' },
  { key: 'hosts', kind: 'list', flag: 'host', letter: 'H', help: 'Daemon socket to listen on' },
  { key: 'group', kind: 'string', letter: 'G', help: 'Group of the unix socket' },
  { key: 'debug', kind: 'boolean', letter: 'D', reloads: true, help: 'Log debug messages' },
  {
    key: 'log-level',
    kind: 'string',
    letter: 'l',
    reloads: true,
    help: 'Log level (debug, info, warn, error, fatal)',
  },
  { key: 'log-format', kind: 'string', help: 'Log format (text, json)' },
  {
    key: 'raw-logs',
    kind: 'boolean',
    help: 'Log without colours: always so',
    noEffect: 'the log has no colours',
  },
  { key: 'trace', kind: 'string', help: 'File to write phases of requests to, with their durations' },
  { key: 'labels', kind: 'list', flag: 'label', reloads: true, help: 'Key=value label of the daemon' },
  {
    key: 'features',
    kind: 'object',
    flag: 'feature',
    help: 'Feature to turn on or off, name[=false]: time-namespaces, cdi',
  },
  { key: 'tls', kind: 'boolean', help: 'Use TLS; implied by --tlsverify' },
  { key: 'tlsverify', kind: 'boolean', help: 'Use TLS and demand a certificate of the client' },
  { key: 'tlscacert', kind: 'string', help: 'Trust client certificates signed by this CA' },
  { key: 'tlscert', kind: 'string', help: 'Path of the TLS certificate' },
  { key: 'tlskey', kind: 'string', help: 'Path of the TLS key' },
  {
    key: 'insecure-tcp-without-authentication',
    kind: 'boolean',
    help: 'Serve TCP without client certificates: whoever reaches the port is root',
  },
  {
    key: 'authorization-plugins',
    kind: 'list',
    flag: 'authorization-plugin',
    help: 'Authorization plugin to ask',
  },
  {
    key: 'api-cors-header',
    kind: 'string',
    help: 'CORS headers',
    refused: 'dockerd has removed it; use a proxy',
  },
  { key: 'metrics-addr', kind: 'string', help: 'TCP address of the metrics endpoint' },
  {
    key: 'storage-driver',
    kind: 'string',
    letter: 's',
    help: 'Storage driver (erofs, overlay2, fuse-overlayfs, btrfs, vfs)',
  },
  {
    key: 'storage-opts',
    kind: 'list',
    flag: 'storage-opt',
    help: 'Storage driver option',
    refused: 'no storage driver has options',
  },
  {
    key: 'bridge',
    kind: 'string',
    letter: 'b',
    help: 'Default bridge, made when absent; "none" for no default network',
  },
  { key: 'bip', kind: 'string', help: 'Address of the default bridge, in CIDR notation' },
  { key: 'fixed-cidr', kind: 'string', help: 'Addresses of containers on the default bridge' },
  { key: 'bip6', kind: 'string', help: 'IPv6 address of the default bridge, in CIDR notation' },
  { key: 'fixed-cidr-v6', kind: 'string', help: 'IPv6 addresses of containers on the default bridge' },
  { key: 'ipv6', kind: 'boolean', help: 'IPv6 on the default bridge' },
  { key: 'default-gateway', kind: 'string', help: 'IPv4 gateway of containers on the default bridge' },
  { key: 'default-gateway-v6', kind: 'string', help: 'IPv6 gateway of containers on the default bridge' },
  {
    key: 'default-network-opts',
    kind: 'object',
    flag: 'default-network-opt',
    help: 'Option of new networks of a driver: bridge=com.docker.network.driver.mtu=1400',
  },
  { key: 'mtu', kind: 'integer', help: 'MTU of the default bridge' },
  { key: 'icc', kind: 'boolean', help: 'Let containers on the default bridge reach one another' },
  { key: 'ip', kind: 'string', help: 'Host address of published ports that name none' },
  { key: 'ip-forward', kind: 'boolean', help: 'Turn on forwarding in the kernel' },
  {
    key: 'ip-forward-no-drop',
    kind: 'boolean',
    help: 'Leave the policy of forwarding between other interfaces alone: always so',
    noEffect: 'the policy of forwarding is never changed',
  },
  { key: 'ip-masq', kind: 'boolean', help: 'Masquerade the addresses of the default bridge' },
  { key: 'iptables', kind: 'boolean', help: 'Firewall rules for IPv4' },
  { key: 'ip6tables', kind: 'boolean', help: 'Firewall rules for IPv6' },
  {
    key: 'allow-direct-routing',
    kind: 'boolean',
    help: 'Let other hosts reach published ports at the containers’ own addresses',
  },
  {
    key: 'firewall-backend',
    kind: 'string',
    help: 'Firewall backend (nftables, iptables, iptables-nft, iptables-legacy)',
  },
  { key: 'userland-proxy', kind: 'boolean', help: 'Serve published ports where the firewall cannot' },
  {
    key: 'userland-proxy-path',
    kind: 'string',
    help: 'Path of the userland proxy',
    refused: 'the proxy is part of the daemon; turn it off with --userland-proxy=false',
  },
  {
    key: 'default-address-pools',
    kind: 'object',
    flag: 'default-address-pool',
    help: 'Pool of subnets of new networks: base=10.0.0.0/8,size=24',
  },
  {
    key: 'cluster-store',
    kind: 'string',
    help: 'etcd of overlay networks: etcd://<host>:<port>[,<host>:<port>…][/<path>]',
  },
  {
    key: 'cluster-advertise',
    kind: 'string',
    help: 'Address or interface at which the other hosts of overlay networks reach this one',
  },
  {
    key: 'cluster-store-opts',
    kind: 'map',
    flag: 'cluster-store-opt',
    help: 'Option of the cluster store: discovery.ttl, kv.cacertfile, …',
  },
  { key: 'dns', kind: 'list', help: 'DNS server of containers' },
  { key: 'dns-opts', kind: 'list', flag: 'dns-opt', help: 'DNS option of containers' },
  { key: 'dns-search', kind: 'list', help: 'DNS search domain of containers' },
  { key: 'host-gateway-ip', kind: 'string', help: 'Address that host-gateway stands for' },
  { key: 'default-runtime', kind: 'string', help: 'Default OCI runtime' },
  { key: 'runtimes', kind: 'object', flag: 'add-runtime', help: 'Additional OCI runtime: name=path' },
  {
    key: 'exec-opts',
    kind: 'list',
    flag: 'exec-opt',
    help: 'Runtime options: native.cgroupdriver=cgroupfs or =systemd',
  },
  { key: 'cgroup-parent', kind: 'string', help: 'Parent cgroup of containers' },
  { key: 'default-cgroupns-mode', kind: 'string', help: 'Default cgroup namespace (host, private)' },
  { key: 'default-ipc-mode', kind: 'string', help: 'Default IPC namespace (shareable, private)' },
  { key: 'default-shm-size', kind: 'string', help: 'Default size of /dev/shm' },
  {
    key: 'default-ulimits',
    kind: 'object',
    flag: 'default-ulimit',
    help: 'Default ulimit: nofile=1024:2048',
  },
  { key: 'init', kind: 'boolean', help: 'Run an init in every container' },
  {
    key: 'cdi-spec-dirs',
    kind: 'list',
    flag: 'cdi-spec-dir',
    help: 'Directory of CDI device descriptions',
  },
  { key: 'init-path', kind: 'string', help: 'Path of the init' },
  { key: 'no-new-privileges', kind: 'boolean', help: 'Set no-new-privileges for new containers' },
  {
    key: 'seccomp-profile',
    kind: 'string',
    help: 'Path of the default seccomp profile; unconfined for none',
  },
  {
    key: 'userns-remap',
    kind: 'string',
    help: 'User[:group] whose subordinate ids containers get; default makes dockremap',
  },
  {
    key: 'selinux-enabled',
    kind: 'boolean',
    help: 'SELinux labels',
    refused: 'SELinux labels are not supported',
  },
  { key: 'log-driver', kind: 'string', help: 'Default log driver of containers' },
  { key: 'log-opts', kind: 'map', flag: 'log-opt', help: 'Default log driver option' },
  {
    key: 'live-restore',
    kind: 'boolean',
    reloads: true,
    help: 'Containers outlive the daemon: always so',
    noEffect: 'containers outlive the daemon always',
  },
  {
    key: 'shutdown-timeout',
    kind: 'integer',
    reloads: true,
    help: 'Seconds that dockerd gives containers at shutdown: Wharf leaves them running',
    noEffect: 'containers are left running at shutdown',
  },
  {
    key: 'insecure-registries',
    kind: 'list',
    flag: 'insecure-registry',
    reloads: true,
    help: 'Registry without (verified) TLS',
  },
  {
    key: 'registry-mirrors',
    kind: 'list',
    flag: 'registry-mirror',
    reloads: true,
    help: 'Mirror of Docker Hub',
  },
  { key: 'max-concurrent-downloads', kind: 'integer', reloads: true, help: 'Layers downloaded at once' },
  { key: 'max-concurrent-uploads', kind: 'integer', reloads: true, help: 'Layers uploaded at once' },
  { key: 'max-download-attempts', kind: 'integer', reloads: true, help: 'Attempts to download a layer' },
  { key: 'proxies', kind: 'object', flag: null, help: 'http-proxy, https-proxy, no-proxy' },
  { key: 'http-proxy', kind: 'string', help: 'Proxy for http' },
  { key: 'https-proxy', kind: 'string', help: 'Proxy for https' },
  { key: 'no-proxy', kind: 'string', help: 'Hosts without a proxy' },
  {
    key: 'builder',
    kind: 'object',
    flag: null,
    help: 'Builder options: gc, with enabled, defaultKeepStorage and policy',
  },
  {
    key: 'experimental',
    kind: 'boolean',
    help: 'Experimental features: checkpoints of containers',
  },
  {
    key: 'min-api-version',
    kind: 'string',
    help: 'Oldest API version',
    refused: 'every version from 1.24 is served',
  },
  { key: 'containerd', kind: 'string', help: 'containerd socket', refused: CONTAINERD },
  { key: 'containerd-namespace', kind: 'string', help: 'containerd namespace', refused: CONTAINERD },
  { key: 'containerd-plugins-namespace', kind: 'string', help: 'containerd namespace', refused: CONTAINERD },
  { key: 'swarm-default-advertise-addr', kind: 'string', help: 'Swarm address', refused: SWARM },
  {
    key: 'node-generic-resources',
    kind: 'list',
    flag: 'node-generic-resource',
    help: 'Swarm resources',
    refused: SWARM,
  },
  { key: 'network-control-plane-mtu', kind: 'integer', help: 'Swarm MTU', refused: SWARM },
  { key: 'rootless', kind: 'boolean', help: 'Rootless mode', refused: 'rootless mode is not supported yet' },
  {
    key: 'cpu-rt-period',
    kind: 'integer',
    help: 'CPU real-time period',
    refused: 'real-time scheduling of the parent cgroup is not supported',
  },
  {
    key: 'cpu-rt-runtime',
    kind: 'integer',
    help: 'CPU real-time runtime',
    refused: 'real-time scheduling of the parent cgroup is not supported',
  },
]

/** Names that daemon.json knew before. */
export const OLD_KEYS: Readonly<Record<string, string>> = { graph: 'data-root' }

export type SettingValue = boolean | string | number | readonly unknown[] | Readonly<Record<string, unknown>>
export type SettingValues = ReadonlyMap<string, SettingValue>
