import { contextBridge, ipcRenderer } from 'electron'
import { createBridge } from './bridge.ts'

const { call, subscribe } = createBridge(ipcRenderer)
contextBridge.exposeInMainWorld('capstan', { call, subscribe })
