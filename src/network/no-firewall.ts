import type { Firewall } from './firewall.ts'

/** No rules at all (`iptables` and `ip6tables` are off): the administrator's own decide what passes, and the daemon serves published ports. */
export class NoFirewall implements Firewall {
  [Symbol.dispose](): void {}

  install(): Promise<void> {
    return Promise.resolve()
  }

  heal(): Promise<boolean> {
    return Promise.resolve(false)
  }

  uninstall(): Promise<void> {
    return Promise.resolve()
  }

  settled(): Promise<void> {
    return Promise.resolve()
  }

  addBridge(): void {}
  removeBridge(): void {}
  publish(): void {}
  republish(): void {}
  unpublish(): void {}
}
