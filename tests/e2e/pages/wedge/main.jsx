// A form as the product has them, with the wedge listening to the whole window.
import { useState } from 'react'
import { createRoot } from 'react-dom/client'
import { settingsSchema } from '#contract/station/settings.ts'
import { listenToWedge } from '#renderer/features/scan/wedge-input.ts'

window.told = { scans: [], strange: [], clicks: 0, submits: 0, changes: [] }
// The test says in the address what differs from the defaults.
const wedge = Object.fromEntries(new URLSearchParams(location.search))
listenToWedge(window, settingsSchema.parse({ wedge }).wedge, {
  onScan: (data) => window.told.scans.push(data),
  onStrange: (strange) => window.told.strange.push(strange),
})

function Page() {
  const [text, setText] = useState('')
  const change = (event) => {
    window.told.changes.push(event.target.value)
    setText(event.target.value)
  }
  const submit = (event) => {
    event.preventDefault()
    window.told.submits++
  }
  return (
    <form onSubmit={submit}>
      <input id="controlled" value={text} onChange={change} />
      <textarea id="area" />
      <input id="pin" type="password" />
      <div id="rich" contentEditable suppressContentEditableWarning />
      <button id="button" type="button" onClick={() => window.told.clicks++}>
        A button
      </button>
      <button type="submit">Send</button>
    </form>
  )
}

createRoot(document.getElementById('root')).render(<Page />)
