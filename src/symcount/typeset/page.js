// What an answer to some texts by letter is; `model` is generated, so that no formula is written twice.
function read(entry, text) {
  const name = entry.letter === entry.field ? entry.letter : `${entry.letter} (${entry.field})`;
  const plain = text.replace(/[,_\s\u2009]/g, "");
  if (entry.ratio) {
    const parts = /^\+?(\d{1,30})(?:\.(\d{1,30})|\/(\d{1,30}))?$/.exec(plain);
    const decimals = parts && parts[2] ? parts[2] : "";
    const top = parts ? BigInt(parts[1] + decimals) : 0n;
    const bottom = parts && parts[3] ? BigInt(parts[3]) : 10n ** BigInt(decimals.length);
    if (!parts || bottom === 0n || top < entry.least) throw [`${name}: expected a positive number, got ${text}`, [entry.letter]];
    return [top, bottom];
  }
  const wanted = `${name}: expected an integer of at least ${entry.least}, got`;
  if (!/^[+-]?\d{1,400}$/.test(plain)) throw [`${wanted} '${text}'; write it like 30000, 30_000 or 30,000`, [entry.letter]];
  const number = BigInt(plain.replace("+", ""));
  if (number < entry.least) throw [`${wanted} ${number}`, [entry.letter]];
  return [number, 1n];
}

function lowest(top, bottom) {
  let [a, b] = [top, bottom];
  while (b !== 0n) [a, b] = [b, a % b];
  return bottom === a ? `${top / a}` : `${top / a}/${bottom / a}`;
}

function answer(texts) {
  const x = {}, known = new Set(), shown = {};
  try {
    for (const entry of model.letters) {
      if (texts[entry.letter].trim() === "") continue;
      const [top, bottom] = read(entry, texts[entry.letter]);
      known.add(entry.letter);
      shown[entry.letter] = lowest(top, bottom);
      if (entry.ratio) [x[`${entry.letter}_top`], x[`${entry.letter}_bottom`]] = [top, bottom];
      else x[entry.letter] = top;
    }
    const absent = model.total.letters.filter((letter) => !known.has(letter));
    if (absent.length) throw [`no value for ${absent.map((letter) => model.names[letter]).join(", ")}`, absent];
    for (const condition of model.conditions) {
      if (!condition.letters.every((letter) => known.has(letter)) || condition.holds(x)) continue;
      const given = condition.letters.map((letter) => `${model.names[letter]} = ${shown[letter]}`).join(", ");
      throw [`outside the formula's domain: ${condition.text} is required, but ${given}`, condition.letters];
    }
    return {
      total: model.total.of(x),
      conventions: model.conventions.map((c) => (c.letters.every((letter) => known.has(letter)) ? c.of(x) : null)),
      parts: model.parts.map((part) => part.of(x)),
    };
  } catch (error) {
    if (error instanceof RangeError) return { message: error.message, letters: [] };
    if (Array.isArray(error)) return { message: error[0], letters: error[1] };
    throw error;
  }
}

const grouped = (number) => number.toString().replace(/\B(?=(\d{3})+$)/g, ",");
const percent = (part, whole) => {
  const hundredths = whole === 0n ? 0n : (20000n * part + whole) / (2n * whole);
  return `${hundredths / 100n}.${(hundredths % 100n).toString().padStart(2, "0")} %`;
};
const rounded = (number) => {
  const size = [["T", 12], ["B", 9], ["M", 6], ["K", 3]].find(([, zeros]) => number * 100000n >= 99995n * 10n ** BigInt(zeros));
  if (!size) return "";
  const tenths = (number * 10n + 10n ** BigInt(size[1]) / 2n) / 10n ** BigInt(size[1]);
  return `≈ ${grouped(tenths / 10n)}.${tenths % 10n}${size[0]}`;
};

function show() {
  const inputs = Object.fromEntries(model.letters.map((e) => [e.letter, document.getElementById(`at-${e.letter}`)]));
  const found = answer(Object.fromEntries(Object.entries(inputs).map(([letter, input]) => [letter, input.value])));
  const good = found.message === undefined;
  for (const [letter, input] of Object.entries(inputs)) {
    input.setAttribute("aria-invalid", !good && found.letters.includes(letter) ? "true" : "false");
  }
  document.getElementById("message").textContent = good ? "" : found.message;
  document.getElementById("total").textContent = good ? grouped(found.total) : "–";
  document.getElementById("rounded").textContent = good ? rounded(found.total) : "";
  model.conventions.forEach((_, i) => {
    const value = good ? found.conventions[i] : null;
    document.getElementById(`convention-${i}`).textContent = value === null ? "–" : grouped(value);
  });
  model.parts.forEach((_, i) => {
    document.getElementById(`part-${i}`).textContent = good ? grouped(found.parts[i]) : "–";
    document.getElementById(`share-${i}`).textContent = good ? percent(found.parts[i], found.total) : "–";
    const whole = good && found.total > 0n ? Number((found.parts[i] * 1000000n) / found.total) / 10000 : 0;
    document.getElementById(`bar-${i}`).style.width = `${whole}%`;
  });
}

if (typeof document !== "undefined") {
  document.querySelectorAll("input").forEach((input) => input.addEventListener("input", show));
  document.getElementById("reset").addEventListener("click", () => {
    document.querySelectorAll("input").forEach((input) => { input.value = input.defaultValue; });
    show();
  });
  document.getElementById("copy").addEventListener("click", async (event) => {
    const text = document.getElementById("latex");
    text.select();
    try { await navigator.clipboard.writeText(text.value); } catch { document.execCommand("copy"); }
    event.target.textContent = "Copied";
  });
  show();
}
