/** What tests use inside of the page: functions that end up in its global scope. Elements made by them are `.attempt`. */
export const pageTools = `
  globalThis.add = (name, attributes) => {
    const element = document.createElement(name)
    element.className = 'attempt'
    for (const [key, value] of Object.entries(attributes)) {
      try { element.setAttribute(key, value) } catch {}
    }
    document.body.append(element)
    return element
  }
  globalThis.follow = (attributes) => add('a', attributes).click()
  globalThis.submitForm = (action, method) => add('form', { action, method }).submit()
  globalThis.addFrame = (attributes) => add('iframe', attributes)
  globalThis.addRefresh = (url) => add('meta', { 'http-equiv': 'refresh', content: '0;url=' + url })
  undefined
`
