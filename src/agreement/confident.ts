/**
 * Confident learning (Northcutt, Jiang & Chuang 2021, “Confident Learning: Estimating Uncertainty in Dataset Labels”):
 * which labels are probably wrong, by probabilities from a model that was not trained on them. A class is confident of an
 * example where its probability reaches the class' threshold, its mean over the examples that are labelled with it; an
 * example is doubted where the likeliest confident class is another than its label, and the likeliest class of all is too.
 *
 * @param given the class each example is labelled with
 * @param probabilities [examples × classes]
 * @returns the class suggested for each example: its own label where it is not doubted
 */
export function suggestLabels(given: Int32Array, probabilities: Float64Array, classes: number): Int32Array {
  const sums = new Float64Array(classes)
  const counts = new Float64Array(classes)
  for (const [example, label] of given.entries()) {
    sums[label]! += probabilities[example * classes + label]!
    counts[label]!++
  }
  // A class that nothing is labelled with cannot be suggested.
  const thresholds = sums.map((sum, label) => (counts[label] === 0 ? Infinity : sum / counts[label]!))
  return given.map((label, example) => {
    const row = probabilities.subarray(example * classes, (example + 1) * classes)
    let confident = label
    let best = -Infinity
    let likeliest = 0
    for (let other = 0; other < classes; other++) {
      if (row[other]! > row[likeliest]!) likeliest = other
      if (row[other]! < thresholds[other]! || row[other]! <= best) continue
      confident = other
      best = row[other]!
    }
    return likeliest === label ? label : confident
  })
}
