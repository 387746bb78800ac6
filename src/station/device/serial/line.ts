/** A serial port for whoever writes to a board rather than reads codes. */
export interface SerialLine {
  write(bytes: Uint8Array): Promise<void>
  onBytes(listener: (bytes: Uint8Array) => void): void
  close(): Promise<void>
}

/** Opens a serial port, 8 data bits, no parity, 1 stop bit. Rejects when it cannot be opened. */
export async function openSerialLine(path: string, baudRate: number): Promise<SerialLine> {
  const { SerialPort } = await import('serialport')
  const port = new SerialPort({ path, baudRate, autoOpen: false })
  await new Promise<void>((resolve, reject) => port.open((fault) => (fault ? reject(fault) : resolve())))
  // A board that is unplugged is told by the next write.
  port.on('error', () => undefined)
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        port.write(bytes, (failed) => {
          if (failed) return reject(failed)
          port.drain((undrained) => (undrained ? reject(undrained) : resolve()))
        })
      }),
    onBytes: (listener) => void port.on('data', listener),
    close: () => new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())),
  }
}
