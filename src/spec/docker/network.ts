/** Networks and endpoints. Engine API 1.56. */

export interface EndpointIPAMConfig {
  readonly IPv4Address?: string | null
  readonly IPv6Address?: string | null
  readonly LinkLocalIPs?: readonly string[] | null
}

export interface EndpointSettings {
  readonly IPAMConfig?: EndpointIPAMConfig | null
  readonly Links?: readonly string[] | null
  readonly MacAddress?: string | null
  readonly Aliases?: readonly string[] | null
  readonly DriverOpts?: Readonly<Record<string, string>> | null
  readonly GwPriority?: number | null
  readonly NetworkID?: string | null
  readonly EndpointID?: string | null
  readonly Gateway?: string | null
  readonly IPAddress?: string | null
  readonly IPPrefixLen?: number | null
  readonly IPv6Gateway?: string | null
  readonly GlobalIPv6Address?: string | null
  readonly GlobalIPv6PrefixLen?: number | null
  readonly DNSNames?: readonly string[] | null
}

export interface NetworkingConfig {
  readonly EndpointsConfig?: Readonly<Record<string, EndpointSettings>> | null
}

export interface IPAMConfig {
  readonly Subnet?: string | null
  readonly IPRange?: string | null
  readonly Gateway?: string | null
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null
}

export interface IPAM {
  readonly Driver?: string | null
  readonly Config?: readonly IPAMConfig[] | null
  readonly Options?: Readonly<Record<string, string>> | null
}

export interface SubnetStatus {
  readonly IPsInUse?: number | null
  readonly DynamicIPsAvailable?: number | null
}

export interface IPAMStatus {
  readonly Subnets?: Readonly<Record<string, SubnetStatus>> | null
}

export interface NetworkStatus {
  readonly IPAM?: IPAMStatus | null
}

export interface EndpointResource {
  readonly Name?: string | null
  readonly EndpointID?: string | null
  readonly MacAddress?: string | null
  readonly IPv4Address?: string | null
  readonly IPv6Address?: string | null
}

export interface PeerInfo {
  readonly Name?: string | null
  readonly IP?: string | null
}

export interface NetworkTaskInfo {
  readonly Name?: string | null
  readonly EndpointID?: string | null
  readonly EndpointIP?: string | null
  readonly Info?: Readonly<Record<string, string>> | null
}

export interface ServiceInfo {
  readonly VIP?: string | null
  readonly Ports?: readonly string[] | null
  readonly LocalLBIndex?: number | null
  readonly Tasks?: readonly NetworkTaskInfo[] | null
}

export interface ConfigReference {
  readonly Network?: string | null
}

export interface Network {
  readonly Name?: string | null
  readonly Id?: string | null
  readonly Created?: string | null
  readonly Scope?: string | null
  readonly Driver?: string | null
  readonly EnableIPv4?: boolean | null
  readonly EnableIPv6?: boolean | null
  readonly IPAM?: IPAM | null
  readonly Internal?: boolean | null
  readonly Attachable?: boolean | null
  readonly Ingress?: boolean | null
  readonly ConfigFrom?: ConfigReference | null
  readonly ConfigOnly?: boolean | null
  readonly Options?: Readonly<Record<string, string>> | null
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly Peers?: readonly PeerInfo[] | null
}

export type NetworkSummary = Network

export type NetworkInspect = Network

export interface NetworkCreateResponse {
  readonly Id: string
  readonly Warning: string
}

export interface NetworkConnectRequest {
  readonly Container: string
  readonly EndpointConfig?: EndpointSettings | null
}

export interface NetworkDisconnectRequest {
  readonly Container: string
  readonly Force?: boolean | null
}
