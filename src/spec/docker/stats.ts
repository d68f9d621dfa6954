/** Figures of a running container. Engine API 1.56. */

export interface ContainerBlkioStatEntry {
  readonly major?: number | null
  readonly minor?: number | null
  readonly op?: string | null
  readonly value?: number | null
}

export interface ContainerBlkioStats {
  readonly io_service_bytes_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly io_serviced_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly io_queue_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly io_service_time_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly io_wait_time_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly io_merged_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly io_time_recursive?: readonly ContainerBlkioStatEntry[] | null
  readonly sectors_recursive?: readonly ContainerBlkioStatEntry[] | null
}

export interface ContainerCPUUsage {
  readonly total_usage?: number | null
  readonly percpu_usage?: readonly number[] | null
  readonly usage_in_kernelmode?: number | null
  readonly usage_in_usermode?: number | null
}

export interface ContainerThrottlingData {
  readonly periods?: number | null
  readonly throttled_periods?: number | null
  readonly throttled_time?: number | null
}

export interface ContainerCPUStats {
  readonly cpu_usage?: ContainerCPUUsage | null
  readonly system_cpu_usage?: number | null
  readonly online_cpus?: number | null
  readonly throttling_data?: ContainerThrottlingData | null
}

export interface ContainerPidsStats {
  readonly current?: number | null
  readonly limit?: number | null
}

export interface ContainerMemoryStats {
  readonly usage?: number | null
  readonly max_usage?: number | null
  readonly stats?: Readonly<Record<string, number | null>> | null
  readonly failcnt?: number | null
  readonly limit?: number | null
  readonly commitbytes?: number | null
  readonly commitpeakbytes?: number | null
  readonly privateworkingset?: number | null
}

export interface ContainerNetworkStats {
  readonly rx_bytes?: number | null
  readonly rx_packets?: number | null
  readonly rx_errors?: number | null
  readonly rx_dropped?: number | null
  readonly tx_bytes?: number | null
  readonly tx_packets?: number | null
  readonly tx_errors?: number | null
  readonly tx_dropped?: number | null
  readonly endpoint_id?: string | null
  readonly instance_id?: string | null
}

export interface ContainerStorageStats {
  readonly read_count_normalized?: number | null
  readonly read_size_bytes?: number | null
  readonly write_count_normalized?: number | null
  readonly write_size_bytes?: number | null
}

export interface ContainerStatsResponse {
  readonly id?: string | null
  readonly name?: string | null
  readonly os_type?: string | null
  readonly read?: string | null
  readonly cpu_stats?: ContainerCPUStats | null
  readonly memory_stats?: ContainerMemoryStats | null
  readonly networks?: unknown | null
  readonly pids_stats?: ContainerPidsStats | null
  readonly blkio_stats?: ContainerBlkioStats | null
  readonly num_procs?: number | null
  readonly storage_stats?: ContainerStorageStats | null
  readonly preread?: string | null
  readonly precpu_stats?: ContainerCPUStats | null
}
