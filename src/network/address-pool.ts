import { InvalidArgumentError } from '#errors/errors.ts'
import { contains, parseAddress, formatAddress, formatSubnet } from './cidr.ts'
import type { Address, Subnet } from './cidr.ts'

/** The addresses of one subnet of one network: which are taken, which is next. In memory; its owner records who has what. */
export class AddressPool {
  readonly subnet: Subnet
  readonly #from: bigint
  readonly #to: bigint
  readonly #taken = new Set<bigint>()
  /** The range is not of the subnet: an administrator's mistake that keeps no daemon from starting. */
  readonly #isOutside: boolean
  readonly #range: Subnet
  /** No free address of the range is below this. */
  #lowest: bigint

  /** @param options.range where dynamic addresses come from; the whole subnet when absent. */
  constructor(subnet: Subnet, options: { readonly range?: Subnet | null } = {}) {
    this.subnet = subnet
    const range = options.range ?? subnet
    this.#range = range
    this.#isOutside =
      !contains(subnet, { family: range.family, value: range.first }) || range.prefix < subnet.prefix
    // The first address of a subnet is its own name; the last of an IPv4 subnet is broadcast. /31 and /32 have neither (RFC 3021).
    const bits = subnet.family === 4 ? 32 : 128
    const small = bits - subnet.prefix < 2
    if (!small) {
      this.#taken.add(subnet.first)
      if (subnet.family === 4) this.#taken.add(subnet.last)
    }
    this.#from = range.first
    this.#to = range.last
    this.#lowest = this.#from
  }

  /** Takes the lowest free address of the range, or null when there is none. @throws InvalidArgumentError for a range that is not of the subnet. */
  allocate(): string | null {
    if (this.#isOutside) {
      throw new InvalidArgumentError(
        `add-any, range '${formatSubnet(this.#range)}' is not in subnet '${formatSubnet(this.subnet)}'`,
      )
    }
    for (let value = this.#lowest; value <= this.#to; value++) {
      if (this.#taken.has(value)) continue
      this.#taken.add(value)
      this.#lowest = value + 1n
      return formatAddress({ family: this.subnet.family, value })
    }
    this.#lowest = this.#to + 1n
    return null
  }

  /** Takes this address; false when somebody has it. @throws RangeError when it is not of this subnet. */
  reserve(text: string): boolean {
    const address = this.#parse(text)
    if (this.#taken.has(address.value)) return false
    this.#taken.add(address.value)
    return true
  }

  isTaken(text: string): boolean {
    return this.#taken.has(this.#parse(text).value)
  }

  release(text: string): void {
    const { value } = this.#parse(text)
    this.#taken.delete(value)
    if (value >= this.#from && value < this.#lowest) this.#lowest = value
  }

  /** For `docker network inspect`: SubnetStatus. */
  status(): { readonly inUse: number; readonly available: bigint } {
    let inRange = 0n
    for (const value of this.#taken) if (value >= this.#from && value <= this.#to) inRange++
    return { inUse: this.#taken.size, available: this.#to - this.#from + 1n - inRange }
  }

  #parse(text: string): Address {
    const address = parseAddress(text)
    if (!contains(this.subnet, address)) throw new RangeError(`${text} is not in the subnet`)
    return address
  }
}
