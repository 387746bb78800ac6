/** The look of the admin pages. They have no script at all, so that their policy can forbid every one. */
export const style = `
:root { color-scheme: light dark; --ground: #f6f7f9; --panel: #fff; --ink: #16202c; --quiet: #56616f; --line: #d9dee5;
  --accent: #0b5cad; --on-accent: #fff; --bad: #a3261b; --good: #1c6b3a }
@media (prefers-color-scheme: dark) { :root { --ground: #11161c; --panel: #1a2129; --ink: #e8edf3; --quiet: #9aa7b5;
  --line: #303a46; --accent: #6db3ff; --on-accent: #0a1420; --bad: #ff9a8f; --good: #7fd8a1 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
header { background: var(--panel); border-bottom: 1px solid var(--line); padding: 0 24px; display: flex; flex-wrap: wrap;
  align-items: center; gap: 8px 24px }
header strong { font-size: 18px }
nav { display: flex; flex-wrap: wrap; flex: 1 }
@media (max-width: 1000px) { nav { order: 1; flex-basis: 100% } header { padding-top: 8px; justify-content: space-between } }
nav a { color: var(--ink); text-decoration: none; padding: 0 16px; line-height: 56px; border-bottom: 3px solid transparent }
nav a[aria-current] { border-color: var(--accent); font-weight: 600 }
nav a:hover { background: var(--ground) }
main { max-width: 1600px; margin: 0 auto; padding: 24px }
h1 { font-size: 24px; margin: 0 0 4px }
p.about { color: var(--quiet); margin: 0 0 16px; max-width: 75ch }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 12px; overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 12px 16px; border-bottom: 1px solid var(--line); vertical-align: top }
tr:has(button) td { vertical-align: middle }
th { font-size: 14px; color: var(--quiet); font-weight: 600; white-space: nowrap }
tr:last-child td { border-bottom: 0 }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
code { font: 14px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
code.whole, time { white-space: nowrap }
.keys { padding: 8px 24px } code.key { font-size: 24px; font-weight: 600; line-height: 1.6; font-variant-numeric: slashed-zero }
.empty { padding: 40px 24px; text-align: center; color: var(--quiet); margin: 0 }
.quiet { color: var(--quiet) } .bad { color: var(--bad); font-weight: 600 } .good { color: var(--good); font-weight: 600 }
button, .button { font: inherit; min-height: 48px; padding: 0 20px; border-radius: 8px; border: 1px solid var(--line);
  background: var(--panel); color: var(--ink); cursor: pointer; text-decoration: none; white-space: nowrap; display: inline-flex; align-items: center }
button.first { justify-content: center; background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600 }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
form.sign-in { max-width: 420px; margin: 10vh auto; padding: 32px; display: grid; gap: 16px }
form.panel:not(.sign-in) { padding: 24px; display: grid; gap: 16px; justify-items: start }
h2 { font-size: 20px; margin: 32px 0 12px }
label { display: grid; gap: 4px; font-weight: 600 }
input, textarea { font: inherit; min-height: 48px; max-width: 100%; padding: 0 12px; border: 1px solid var(--quiet); border-radius: 8px;
  background: var(--ground); color: var(--ink) }
textarea { font: 14px/1.6 ui-monospace, monospace; padding: 12px }
.button[aria-current] { border-color: var(--accent); font-weight: 600 }
.pages { display: flex; gap: 12px; align-items: center; margin-top: 16px; color: var(--quiet) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 16px; margin-bottom: 24px }
.tiles div { background: var(--panel); border: 1px solid var(--line); border-radius: 12px; padding: 16px }
.tiles b { display: block; font-size: 28px; font-variant-numeric: tabular-nums }
`
