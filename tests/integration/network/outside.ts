import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createNetns, removeNetns } from '#kernel/netns.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { LinkInside } from '#network/link-inside.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** Another machine on a wire to this one: a namespace with a veth pair. */
export class Outside implements Disposable {
  readonly netnsPath: string
  /** This machine's address on the wire. */
  readonly here: string
  /** The other machine's. */
  readonly there: string
  readonly #link = `wo${randomInt(0x1000_0000).toString(16)}`
  readonly #netlink = new Rtnetlink()
  readonly #root = scratchDirectory('o')

  constructor() {
    this.netnsPath = `${this.#root}/netns`
    const wire = `10.${String(randomInt(130, 160))}.${String(randomInt(1, 255))}`
    this.here = `${wire}.1`
    this.there = `${wire}.2`
    createNetns(this.netnsPath, () => {})
    using inside = new LinkInside(this.netnsPath)
    this.#netlink.addLink(
      this.#link,
      { kind: 'veth', peer: { name: 'wire', netnsFd: inside.netnsFd } },
      { up: true },
    )
    this.#netlink.addAddress(this.#netlink.link(this.#link).index, this.here, 24)
    using netlink = inside.run(() => new Rtnetlink())
    const { index } = netlink.link('wire')
    netlink.addAddress(index, this.there, 24)
    netlink.setLink(index, { up: true })
    netlink.setLink(1, { up: true })
    // It sends everything to this machine, as a neighbour that means ill would.
    netlink.addRoute({ family: 4, gateway: this.here })
    netlink.addRoute({ family: 4, destination: { address: '127.9.9.0', prefix: 24 }, gateway: this.here })
  }

  [Symbol.dispose](): void {
    this.#netlink.deleteLink(this.#link)
    this.#netlink[Symbol.dispose]()
    removeNetns(this.netnsPath)
    rmSync(this.#root, { recursive: true, force: true })
  }
}
