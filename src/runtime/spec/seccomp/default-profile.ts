import { ALLOWED } from './allowed-calls.ts'
import type { SeccompProfile, SeccompRule } from './profile.ts'

const ALLOW = 'SCMP_ACT_ALLOW'
const EPERM = 1
const ENOSYS = 38
/** Address families that socket(2) refuses: AF_VSOCK reaches the hypervisor's host. */
const AF_VSOCK = 40
/** The flags of clone(2) that make namespaces: all CLONE_NEW* but those of time. */
const CLONE_NEW_FLAGS = 0x7e020000
/** personality(2): query, Linux, 32-bit uname and addresses, harmless bug emulation. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]

/** What a capability opens beyond the common set: without it the kernel would refuse most of these anyway. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
    setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
}

/** What only some architectures have. */
const BY_ARCHITECTURE: readonly (readonly [arches: readonly string[], names: string])[] = [
  [['ppc64le'], 'sync_file_range2 swapcontext'],
  [['arm', 'arm64'], 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'],
  [['amd64', 'x32'], 'arch_prctl'],
  [['amd64', 'x32', 'x86'], 'modify_ldt'],
  [['s390', 's390x'], 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr'],
  [['riscv64'], 'riscv_flush_icache riscv_hwprobe'],
]

/** The profile of containers that ask for none: refuses what a container needs not and the host would regret. */
export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    { architecture: 'SCMP_ARCH_S390X', subArchitectures: ['SCMP_ARCH_S390'] },
    { architecture: 'SCMP_ARCH_RISCV64' },
    { architecture: 'SCMP_ARCH_PPC64LE' },
  ],
  syscalls: [
    { names: ALLOWED.flatMap(([, names]) => words(names)), action: ALLOW },
    // Before Linux 4.8, ptrace could be used to get around a filter (seccomp(2)).
    {
      names: ['process_vm_readv', 'process_vm_writev', 'ptrace'],
      action: ALLOW,
      includes: { minKernel: '4.8' },
    },
    { names: ['socket'], action: ALLOW, args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
    ...PERSONALITIES.map((value): SeccompRule => ({
      names: ['personality'],
      action: ALLOW,
      args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
    })),
    ...BY_ARCHITECTURE.map(([arches, names]): SeccompRule => ({
      names: words(names),
      action: ALLOW,
      includes: { arches },
    })),
    ...Object.entries(BY_CAPABILITY).map(([capability, names]): SeccompRule => ({
      names: words(names),
      action: ALLOW,
      includes: { caps: [capability] },
    })),
    cloneWithoutNamespaces(0, { excludes: { caps: ['CAP_SYS_ADMIN'], arches: ['s390', 's390x'] } }),
    cloneWithoutNamespaces(1, {
      includes: { arches: ['s390', 's390x'] },
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    }),
    // Its flags are behind a pointer that a filter cannot read: ENOSYS makes libraries fall back to clone.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, excludes: { caps: ['CAP_SYS_ADMIN'] } },
  ],
}

function cloneWithoutNamespaces(
  index: number,
  conditions: Pick<SeccompRule, 'includes' | 'excludes'>,
): SeccompRule {
  const args = [{ index, value: CLONE_NEW_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]
  return { names: ['clone'], action: ALLOW, args, ...conditions }
}

function words(text: string): readonly string[] {
  return text.split(/\s+/)
}
