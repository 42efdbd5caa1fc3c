/** What runs graphs: memory and cores of this machine, or a GPU; `cuda` is the first of NVIDIA's. */
export type Device = 'cpu' | 'webgpu' | 'cuda' | `cuda:${number}`

/** ONNX Runtime's names for who runs a graph. */
export type Provider = 'cpu' | 'webgpu' | 'cuda'

export const providers: readonly Provider[] = ['cpu', 'webgpu', 'cuda']

export function providerOf(device: Device): Provider {
  return device === 'cpu' || device === 'webgpu' ? device : 'cuda'
}

/** Which of several cards, counted from 0 as `nvidia-smi -L` counts them. */
export const cardOf = (device: Device) => Number(device.split(':')[1] ?? 0)
