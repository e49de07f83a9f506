// Controls for declared options. Every one has a name, and says what it is for.

import { html } from "../html.js";
import { Icon } from "../icons.js";
import { PICTURES, addressOf, giveFile, pick } from "../studio.js";
import { choiceOf, labelOf } from "../toolbox.js";
import { useRef, useState } from "../vendor/preact-hooks.js";

/** A button with a picture, a name, and perhaps a pressed state. */
export function Button({
  icon,
  label,
  keys,
  isPressed,
  onPress,
  isQuiet,
  isMain,
  isShown = true,
  isDisabled,
  children,
  ...more
}) {
  const title = keys ? `${label} (${keys})` : label;
  const pressed = isPressed === undefined ? {} : { "aria-pressed": String(Boolean(isPressed)) };
  const kind = `button${isMain ? " main" : ""}${isQuiet ? " quiet" : ""}${children ? "" : " bare"}`;
  if (!isShown) return null;
  return html`<button type="button" class=${kind} title=${title} aria-label=${label} disabled=${isDisabled}
    onClick=${onPress} ...${pressed} ...${more}>
    ${icon && html`<${Icon} name=${icon} />`}${children}
  </button>`;
}

/** One of several, as buttons side by side. */
export function Choice({ label, choices, value, onChoose }) {
  return html`<div class="choice" role="radiogroup" aria-label=${label} onKeyDown=${walk}>
    ${choices.map(
      ({ name, title, icon, keys }) => html`<button type="button" role="radio" key=${name}
        aria-checked=${String(value === name)} aria-label=${title} title=${keys ? `${title} (${keys})` : title}
        onClick=${() => onChoose(name)}>${icon ? html`<${Icon} name=${icon} />` : title}</button>`,
    )}
  </div>`;
}

/** Lets arrow keys go from one button of a group to the next. */
export function walk(event) {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!by || !event.target.matches("button")) return;
  event.preventDefault();
  event.stopPropagation();
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  buttons[(buttons.indexOf(event.target) + by + buttons.length) % buttons.length].focus();
}

/** A slider with its number beside it. */
export function Slider({ label, about, value, low, high, step, unit = "", onInput, onCommit }) {
  const read = (event) => {
    const number = Number(event.target.value);
    return Number.isFinite(number) ? number : value;
  };
  const id = `slider-${label.replace(/\W+/g, "-").toLowerCase()}`;
  return html`<div class="field slider" title=${about}>
    <label for=${id}>${label}</label>
    <input id=${id} type="range" min=${low} max=${high} step=${step} value=${value}
      onInput=${(event) => onInput(read(event))} onChange=${(event) => onCommit?.(read(event))} />
    <output for=${id}>${rounded(value)}${unit}</output>
  </div>`;
}

/** The control of a declared option. */
export function Option({ option, value, values = {}, tool, onChange, onCommit, canvas }) {
  const label = labelOf(option);
  const about = option.about;
  const change = (next) => {
    onChange(next);
    onCommit?.(next);
  };
  const id = `option-${option.name.replace(/\W+/g, "-")}`;
  if (option.kind === "bool") {
    return html`<label class="field check" title=${about}>
      <input type="checkbox" checked=${Boolean(value)} onChange=${(event) => change(event.target.checked)} />
      <span>${label}</span><small>${about}</small>
    </label>`;
  }
  if (option.kind === "word") {
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} value=${value ?? ""} title=${about} onChange=${(event) => change(event.target.value || null)}>
        ${!option.needed && option.default == null && html`<option value="">—</option>`}
        ${option.choices.map((choice) => html`<option key=${choice} value=${choice}>${choiceOf(option, choice)}</option>`)}
      </select>
      ${option.hints[value] && html`<p class="hint">${option.hints[value]}</p>`}
    </div>`;
  }
  if (option.kind === "words") {
    const chosen = new Set(
      String(value ?? "")
        .split(",")
        .filter(Boolean),
    );
    return html`<fieldset class="field words"><legend>${label}</legend>
      ${option.choices.map(
        (choice) => html`<label key=${choice}><input type="checkbox" checked=${chosen.has(choice)}
          onChange=${(event) => {
            if (event.target.checked) chosen.add(choice);
            else chosen.delete(choice);
            change([...chosen].join(","));
          }} />${choiceOf(option, choice)}</label>`,
      )}
    </fieldset>`;
  }
  if (["int", "float"].includes(option.kind))
    return html`<${NumberOption} ...${{ option, value, onChange, onCommit, canvas, label, id }} />`;
  if (["picture", "path"].includes(option.kind))
    return html`<${PictureOption} ...${{ option, value, change, label, tool }} />`;
  if (option.kind === "box") return html`<${BoxOption} ...${{ option, value, values, change, label }} />`;
  if (option.kind === "color") return html`<${ColorOption} ...${{ option, value, change, label, canvas, id }} />`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} type="text" value=${textOf(value)} title=${about} placeholder=${about}
      onChange=${(event) => change(event.target.value || null)} />
  </div>`;
}

function NumberOption({ option, value, onChange, onCommit, canvas, label, id }) {
  const isWhole = option.kind === "int";
  const low = option.low ?? 0;
  const side = canvas ? Math.max(...canvas.size) : 512;
  const given = Number(value ?? option.default ?? 0);
  const onCanvas = { radius: Math.max(16, Math.round(side / 4)), reach: side };
  // Where the slider ends, though the range may go farther; a number beyond is shown all the same.
  const end = option.end ?? onCanvas[option.name] ?? option.high ?? Number.NaN;
  const high = Math.min(option.high ?? Number.POSITIVE_INFINITY, end);
  const isOptional = option.default == null && !option.needed;
  const isSet = value !== null && value !== undefined;
  const change = (next) => {
    onChange(next);
    onCommit?.(next);
  };
  const optional =
    isOptional &&
    html`<label class="field check" title=${option.about}><input type="checkbox" checked=${isSet}
      onChange=${(event) => change(event.target.checked ? middle(low, high ?? side, isWhole) : null)} />
      <span>${label}</span><small>${option.about}</small></label>`;
  if (high > low && high - low <= 5000) {
    const step = isWhole ? 1 : stepOf(high - low);
    return html`${optional}${
      (!isOptional || isSet) &&
      html`<${Slider} label=${label} about=${option.about} value=${isSet ? value : given} low=${lowestOf(low, step)} high=${Math.max(high, given)}
        step=${step} onInput=${onChange} onCommit=${onCommit} />`
    }`;
  }
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} type="number" value=${value ?? ""} min=${option.low} max=${option.high} step=${isWhole ? 1 : "any"}
      title=${option.about} onChange=${(event) => {
        const text = event.target.value;
        if (text === "") change(isOptional ? null : option.default);
        else if (event.target.checkValidity()) change(Number(text));
        else event.target.reportValidity();
      }} />
    <small>${option.about}</small>
  </div>`;
}

/** A colour: one of the canvas' palette, or any where there is none. */
function ColorOption({ option, value, change, label, canvas, id }) {
  if (canvas?.palette) {
    return html`<div class="field"><span>${label}</span>
      <div class="palette" role="radiogroup" aria-label=${label} onKeyDown=${walk}>
      ${canvas.palette.map((rgb) => {
        const text = hexOf(rgb);
        return html`<button type="button" role="radio" key=${text} class="swatch" style=${{ background: text }}
          aria-checked=${String(rgb.join() === value?.join())} aria-label=${text} title=${text} onClick=${() => change(rgb)}></button>`;
      })}</div></div>`;
  }
  return html`<div class="field picture" title=${option.about}>
    <label for=${id}>${label}</label>
    <input id=${id} type="color" value=${hexOf(value ?? [0, 0, 0])} onInput=${(event) => change(rgbOf(event.target.value))} />
  </div>`;
}

/** A box that is drawn on the tool's picture, or typed: [left, top, width, height] in its pixels. */
function BoxOption({ option, value, values, change, label }) {
  const image = useRef(null);
  const [from, setFrom] = useState(null);
  const [size, setSize] = useState([1, 1]);
  const address = addressOf(values.picture);
  if (!address) return null;
  const [wide, high] = size;
  const placeOf = (event) => {
    const box = image.current.getBoundingClientRect();
    const share = (at, start, size) => Math.min(1, Math.max(0, (at - start) / size));
    return [share(event.clientX, box.left, box.width) * wide, share(event.clientY, box.top, box.height) * high];
  };
  const draw = (event) => {
    if (!from) return;
    const to = placeOf(event);
    const [left, top] = [0, 1].map((axis) => Math.floor(Math.min(from[axis], to[axis])));
    const [right, bottom] = [0, 1].map((axis) => Math.ceil(Math.max(from[axis], to[axis])));
    if (right - left > 1 && bottom - top > 1) change([left, top, right - left, bottom - top]);
  };
  const style = value && {
    left: `${(100 * value[0]) / wide}%`,
    top: `${(100 * value[1]) / high}%`,
    width: `${(100 * value[2]) / wide}%`,
    height: `${(100 * value[3]) / high}%`,
  };
  const type = (index) => (event) => {
    const next = [...(value ?? [0, 0, wide, high])];
    next[index] = Math.round(Number(event.target.value)) || 0;
    change(next);
  };
  return html`<div class="field" role="group" aria-label=${label} title=${option.about}>
    <span>${label}: ${value ? "drawn" : "all of it"}</span>
    <div class="boxed" onPointerDown=${(event) => {
      event.preventDefault();
      event.currentTarget.setPointerCapture(event.pointerId);
      setFrom(placeOf(event));
    }} onPointerMove=${draw} onPointerUp=${() => setFrom(null)} onPointerCancel=${() => setFrom(null)}>
      <img ref=${image} src=${address} alt="The chosen picture" draggable="false" onLoad=${({
        target: { naturalWidth, naturalHeight },
      }) => setSize([naturalWidth, naturalHeight])} />
      ${style && html`<span class="box" style=${style}></span>`}
    </div>
    <details class="more"><summary>In pixels</summary><div class="numbers-row">
    ${["Left", "Top", "Width", "Height"].map(
      (name, index) => html`<label key=${name}><span>${name}</span>
        <input type="number" min="0" step="1" value=${value?.[index] ?? ""} onChange=${type(index)} /></label>`,
    )}</div></details>
    ${value && html`<${Button} icon="fit" label="All of the picture" onPress=${() => change(null)}>All of it<//>`}
  </div>`;
}

/** [r, g, b] as a page writes it. */
export function hexOf(rgb) {
  return `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The other way round. */
export function rgbOf(text) {
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
}

function PictureOption({ option, value, change, label, tool }) {
  const choose = async () => {
    const file = await pick(PICTURES);
    if (file) await giveFile(tool, option, file);
  };
  return html`<div class="field picture" title=${option.about}>
    <span>${label}</span>
    <${Button} icon="open" label=${`${value ? "Chosen" : "Choose"}: a picture for “${label}”`} onPress=${choose}>${value ? "Chosen" : "Choose"}<//>
    ${value && html`<${Button} icon="close" label=${`Forget the picture: ${label}`} isQuiet onPress=${() => change(null)} />`}
  </div>`;
}

function textOf(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function middle(low, high, isWhole) {
  const value = low + (high - low) / 4;
  return isWhole ? Math.round(value) : Math.round(value * 10) / 10;
}

/** The lowest multiple of a step within a range, so that a slider meets round numbers. */
function lowestOf(low, step) {
  return Math.round(Math.ceil(low / step - 1e-6) * step * 1e6) / 1e6;
}

function stepOf(range) {
  if (range <= 2) return 0.01;
  return range <= 20 ? 0.1 : 0.5;
}

function rounded(value) {
  return typeof value === "number" ? String(Math.round(value * 100) / 100) : "";
}
