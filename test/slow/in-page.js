/* global document, getComputedStyle, window */

// Runs in the browser, in the page of test/slow/serve-page.test.ts.
window.checks = {
  /** The text that the page shows with its entities marked, without their types. */
  markedText() {
    const copy = document.querySelector('#marked').cloneNode(true)
    for (const label of copy.querySelectorAll('mark > .label')) {
      label.previousSibling.remove()
      label.remove()
    }
    return copy.textContent
  },

  marks: () =>
    [...document.querySelectorAll('mark')].map((mark) => ({
      text: mark.firstChild.textContent,
      label: mark.querySelector('.label').textContent,
    })),

  width: () => document.documentElement.scrollWidth,

  focused: () => document.activeElement.id,

  /** Texts whose colours are nearer to each other than 4.5 : 1 (WCAG 2.2, 1.4.3). */
  poorContrasts() {
    const shown = [...document.body.querySelectorAll('*')].filter(
      (element) =>
        element.checkVisibility() &&
        !['SCRIPT', 'NOSCRIPT'].includes(element.tagName) &&
        [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent.trim() !== ''),
    )
    return shown.flatMap((element) => {
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(paperOf(element))].sort((x, y) => y - x)
      const contrast = (a + 0.05) / (b + 0.05)
      return contrast < 4.5
        ? [`${element.tagName} “${element.textContent.slice(0, 30)}” has ${contrast.toFixed(2)}`]
        : []
    })
  },
}

function luminance(color) {
  const canvas = document.createElement('canvas').getContext('2d')
  canvas.fillStyle = color
  canvas.fillRect(0, 0, 1, 1)
  const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, (value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function paperOf(element) {
  const { backgroundColor } = getComputedStyle(element)
  return backgroundColor === 'rgba(0, 0, 0, 0)' ? paperOf(element.parentElement) : backgroundColor
}
