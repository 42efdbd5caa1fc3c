// npm run bench -- NAME [--flags]: our side and, where NER_BENCH_PYTHON names a Python with torch and transformers,
// PyTorch's, in turn.
const benches = {
  train: () => import('./train.js'),
  predict: () => import('./predict.js'),
  quantize: () => import('./quantize.js'),
  distill: () => import('./distill.js'),
  weak: () => import('./weak.js'),
  'weak-fit': () => import('./weak-fit.js'),
  serve: () => import('./serve.js'),
}

const [name, ...flags] = process.argv.slice(2)
if (!Object.hasOwn(benches, name)) {
  console.error(`npm run bench -- ${Object.keys(benches).join('|')} [--flags]`)
  process.exit(2)
}
const { bench } = await benches[name]()
await bench(flags)
