import { NotFoundError, InvalidArgumentError } from '#errors/errors.ts'
import { textField } from '#plugins/answer-fields.ts'
import type { PluginClient, Plugins } from '#plugins/plugins.ts'
import type { IPAM, IPAMConfig } from '#spec/docker/network.ts'
import { formatAddress, formatSubnet, parseCidr } from '../cidr.ts'
import type { PoolRecord } from '../records.ts'
import type { ForeignLedger } from './ledger.ts'

const RELEASE = { retry: false, timeoutMs: 10_000 } as const
const GATEWAY = { RequestAddressType: 'com.docker.network.gateway' }

/** Docker's remote IPAM driver protocol: `IpamDriver.*`. What is taken is in the ledger. @throws PluginError, NotFoundError. */
export class IpamPlugins {
  readonly #plugins: Plugins
  readonly #ledger: () => ForeignLedger

  constructor(plugins: Plugins, ledger: () => ForeignLedger) {
    this.#plugins = plugins
    this.#ledger = ledger
  }

  /** Takes the pools of a network, with their gateways and auxiliary addresses: those that the user names, and one for each family without. */
  async requestPools(networkId: string, ipam: IPAM, families: readonly (4 | 6)[]): Promise<PoolRecord[]> {
    const driver = ipam.Driver ?? ''
    const client = await this.#client(driver)
    const spaces = await client.call('IpamDriver.GetDefaultAddressSpaces', {})
    const configs = [...(ipam.Config ?? [])]
    const familyOf = ({ Subnet }: IPAMConfig): 4 | 6 => ((Subnet ?? '').includes(':') ? 6 : 4)
    for (const family of families) {
      if (!configs.some((config) => familyOf(config) === family))
        configs.push(family === 6 ? { Subnet: '' } : {})
    }
    const pools: PoolRecord[] = []
    for (const [index, config] of configs.entries()) {
      const added = index >= (ipam.Config ?? []).length
      const v6 = added
        ? !families.includes(4) || pools.some(({ family }) => family === 4)
        : familyOf(config) === 6
      pools.push(
        await this.#requestPool(client, {
          networkId,
          config,
          v6,
          space: textField(spaces, 'LocalDefaultAddressSpace'),
          options: ipam.Options ?? {},
        }),
      )
    }
    return pools
  }

  async #requestPool(
    client: PluginClient,
    wish: {
      readonly networkId: string
      readonly config: IPAMConfig
      readonly v6: boolean
      readonly space: string
      readonly options: Readonly<Record<string, string>>
    },
  ): Promise<PoolRecord> {
    const { networkId, config, v6, space, options } = wish
    const answer = await client.call('IpamDriver.RequestPool', {
      AddressSpace: space,
      Pool: config.Subnet ?? '',
      SubPool: config.IPRange ?? '',
      Options: options,
      V6: v6,
    })
    const poolId = textField(answer, 'PoolID')
    this.#ledger().hold(networkId, { kind: 'pool', driver: client.name, poolId })
    const { subnet } = readCidr(textField(answer, 'Pool'), client.name)
    const gateway = await this.#take(networkId, {
      client,
      poolId,
      address: config.Gateway ?? '',
      options: GATEWAY,
    })
    const aux: Record<string, string> = {}
    for (const [name, address] of Object.entries(config.AuxiliaryAddresses ?? {})) {
      aux[name] = await this.#take(networkId, { client, poolId, address, options: {} })
    }
    const range = config.IPRange ? config.IPRange : null
    return { family: subnet.family, subnet: formatSubnet(subnet), range, gateway, aux, poolId }
  }

  /** Takes an address for an endpoint: the one that is wanted, or any ('') . */
  async requestAddress(
    endpointId: string,
    options: {
      readonly driver: string
      readonly poolId: string
      readonly address: string
      readonly mac: string | null
    },
  ): Promise<string> {
    const client = await this.#client(options.driver)
    const { poolId, address, mac } = options
    const facts = mac === null ? {} : { 'com.docker.network.endpoint.macaddress': mac }
    return await this.#take(endpointId, { client, poolId, address, options: facts })
  }

  async releaseAddress(driver: string, poolId: string, address: string): Promise<void> {
    const client = await this.#client(driver)
    await client.call('IpamDriver.ReleaseAddress', { PoolID: poolId, Address: address }, RELEASE)
  }

  async releasePool(driver: string, poolId: string): Promise<void> {
    const client = await this.#client(driver)
    await client.call('IpamDriver.ReleasePool', { PoolID: poolId }, RELEASE)
  }

  async #take(
    owner: string,
    wish: {
      readonly client: PluginClient
      readonly poolId: string
      readonly address: string
      readonly options: object
    },
  ): Promise<string> {
    const { client, poolId } = wish
    const answer = await client.call('IpamDriver.RequestAddress', {
      PoolID: poolId,
      Address: wish.address,
      Options: wish.options,
    })
    const address = formatAddress(readCidr(textField(answer, 'Address'), client.name).address)
    this.#ledger().hold(owner, { kind: 'address', driver: client.name, poolId, address })
    return address
  }

  async #client(name: string): Promise<PluginClient> {
    try {
      return await this.#plugins.get(name, 'IpamDriver')
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      throw new NotFoundError(`ipam driver "${name}" not found`, { cause: error })
    }
  }
}

function readCidr(text: string, plugin: string): ReturnType<typeof parseCidr> {
  try {
    return parseCidr(text)
  } catch (cause) {
    throw new InvalidArgumentError(
      `ipam driver "${plugin}" answered "${text}", which is no address with a prefix`,
      {
        cause,
      },
    )
  }
}
