// The tool bar, and the panel of the tool that is chosen.

import * as choices from "../choices.js";
import { isAnchoring, pins } from "../hands/dragging.js";
import { pad } from "../hands/pads.js";
import { selection } from "../hands/regions.js";
import { html } from "../html.js";
import { Icon } from "../icons.js";
import * as store from "../store.js";
import * as studio from "../studio.js";
import { actionOf, hasColor, isMeant, isReady, labelOf, optionOf, panelOptions, titleOf } from "../toolbox.js";
import { effect, signal } from "../vendor/signals.js";
import { Button, Choice, Option, Slider, hexOf, rgbOf, walk } from "./widgets.js";

export function ToolBar() {
  return html`<nav class="toolbar" role="toolbar" aria-label="Tools" aria-orientation="vertical" onKeyDown=${walk}>
    ${choices.toolbar.value.map(
      (entry) => html`<button type="button" class="tool" key=${entry.id} data-tool=${entry.id}
        aria-label=${entry.title} aria-pressed=${String(entry === choices.entry.value)}
        title=${entry.key ? `${entry.title} (${entry.key.toUpperCase()})` : entry.title}
        onClick=${studio.thenDraw(() => studio.chooseTool(entry.id))}><${Icon} name=${entry.icon} /><span class="tool-name">${entry.title}</span></button>`,
    )}
  </nav>`;
}

export function ToolPanel() {
  const entry = choices.entry.value;
  const canvas = store.workspace.value?.canvas;
  if (!entry || !canvas) return null;
  const [tool] = entry.tools;
  return html`<section class="panel" aria-label=${`Options of ${entry.title}`}>
    <h2><${Icon} name=${entry.icon} />${entry.title}</h2>
    <p class="help">${entry.help}</p>
    ${tool && hasColor(tool) && html`<${Palette} canvas=${canvas} />`}
    ${tool && !hasColor(tool) && choices.sparing(tool).spare && html`<p class="hint">Locked colours stay as they are.</p>`}
    ${entry.kind === "region" && html`<${RegionPanel} entry=${entry} />`}
    ${entry.kind === "drag" && html`<${DragPanel} />`}
    ${["pad", "mask"].includes(entry.kind) && html`<${PadPanel} entry=${entry} canvas=${canvas} />`}
    ${["brush", "edge"].includes(entry.kind) && html`<${BrushPanel} tool=${tool} />`}
    ${tool && entry.kind !== "region" && html`<${Options} tool=${tool} entry=${entry} canvas=${canvas} />`}
    ${entry.kind === "ask" && html`<${AskPanel} tool=${tool} title=${entry.title} />`}
  </section>`;
}

function Options({ tool, entry, canvas }) {
  const values = choices.valuesOf(tool);
  const meant = panelOptions(tool).filter((option) => isMeant(option, values));
  return meant.map((option) => {
    if (option.name === "radius") {
      return html`<${Slider} key="radius" label="Size" about="Radius of the brush, in pixels of the drawing" value=${values.radius}
        low=${0.5} high=${Math.max(16, Math.round(Math.max(...canvas.size) / 4))} step=${0.5} unit=" px"
        onInput=${(value) => choices.choose(tool, "radius", value)} />`;
    }
    const onChange = (value) => {
      choices.choose(tool, option.name, value);
      if (entry.kind === "drag") studio.hand.value?.changed?.();
      if (entry.kind === "ask") studio.tryTool(tool);
    };
    // What chooses among pictures that are there is done at once, and needs no button.
    const onCommit = tool.takes.includes("candidate") ? () => studio.doTool(tool) : undefined;
    return html`<${Option} key=${option.name} option=${option} value=${values[option.name]} values=${values} tool=${tool}
      canvas=${canvas} onChange=${onChange} onCommit=${onCommit} />`;
  });
}

function Palette({ canvas }) {
  const { palette } = canvas;
  const same = (a, b) => a.join() === b.join();
  const name = hexOf;
  return html`<div class="colors">
    <div class="pair">
      <span class="swatch now" style=${{ background: name(choices.color.value) }} role="img" aria-label=${`Colour ${name(choices.color.value)}`}></span>
      <span class="swatch other" style=${{ background: name(choices.otherColor.value) }} role="img" aria-label=${`Other colour ${name(choices.otherColor.value)}`}></span>
      <${Button} icon="swap" label="Swap the two colours" keys="X" isQuiet onPress=${studio.swapColors} />
      ${
        !palette &&
        html`<input type="color" aria-label="Colour" value=${name(choices.color.value)} onInput=${(
          event,
        ) => {
          choices.color.value = rgbOf(event.target.value);
        }} />`
      }
    </div>
    ${
      palette &&
      html`<div class=${`palette${choices.canLock.value ? " lockable" : ""}`}>
      <div role="radiogroup" aria-label="Colours of the drawing" onKeyDown=${walk}>
      ${palette.map(
        (
          rgb,
          index,
        ) => html`<button type="button" role="radio" key=${rgb.join()} class="swatch" style=${{ background: name(rgb), order: 2 * index }}
          aria-checked=${String(same(rgb, choices.color.value))} aria-label=${`Colour ${index + 1}, ${name(rgb)}`}
          title=${index < 10 ? `Key ${(index + 1) % 10}` : name(rgb)} data-dark=${String(rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11 < 140)}
          onClick=${() => {
            choices.color.value = rgb;
          }}>${index < 10 ? (index + 1) % 10 : ""}</button>`,
      )}
      </div>
      ${choices.canLock.value && html`<${Locks} palette=${palette} />`}
    </div>`
    }
  </div>`;
}

/** A lock beside each colour: tools that paint or erase leave it as it is. */
function Locks({ palette }) {
  return html`<div role="group" aria-label="Locked colours" onKeyDown=${walk}>
    ${palette.map((rgb, index) => {
      const isLocked = choices.isLocked(rgb);
      return html`<${Button} key=${rgb.join()} icon=${isLocked ? "lock" : "unlock"} label=${`Lock colour ${index + 1}`}
        isPressed=${isLocked} isQuiet style=${{ order: 2 * index + 1 }} onPress=${() => choices.switchLock(rgb)} />`;
    })}
  </div>`;
}

function BrushPanel({ tool }) {
  return html`<${Choice} label="How it is drawn" value=${choices.isStraight.value ? "straight" : "free"} choices=${[
    { name: "free", title: "Freehand", icon: "brush" },
    { name: "straight", title: "Straight line", icon: "straight", keys: "Shift" },
  ]} onChoose=${(name) => {
    choices.isStraight.value = name === "straight";
  }} />
  ${
    tool.ink !== "edge" &&
    html`<label class="field check"><input type="checkbox" checked=${choices.pressure.value} onChange=${(
      event,
    ) => {
      choices.pressure.value = event.target.checked;
    }} /><span>Pen pressure</span><small>a pen held lightly paints thinner</small></label>`
  }`;
}

const WAYS = [
  { name: "click", title: "Click a part", icon: "click", keys: "V" },
  { name: "lasso", title: "Draw around it", icon: "lasso", keys: "L" },
  { name: "rectangle", title: "Rectangle", icon: "rectangle", keys: "U" },
];

function RegionPanel({ entry }) {
  const hand = studio.hand.value;
  const selected = selection.value;
  const placers = entry.tools.filter((tool) => tool.takes.includes("by"));
  const others = entry.tools.filter((tool) => !tool.takes.includes("by"));
  const placing = selected?.placing;
  const set = (change) => hand.place({ ...selection.value.placing, ...change });
  return html`
    <${Choice} label="How a part is chosen" choices=${WAYS} value=${choices.selecting.value} onChoose=${(name) => studio.selectBy(name)} />
    <p class="hint" role="status">${selected ? sizeOf(selected.bounds) : "Nothing is chosen yet."}</p>
    ${
      selected &&
      placers.length > 1 &&
      html`<${Choice} label="Move or copy" value=${selected.isCopy ? "copy" : "move"}
      choices=${[{ name: "move", title: titleOf(placers[0]) }, { name: "copy", title: titleOf(placers[1]) }]}
      onChoose=${(name) => hand.setCopy(name === "copy")} />`
    }
    ${
      selected &&
      placers.length > 0 &&
      html`
      <${Slider} label="Scale" about="Its size" value=${Math.round(placing.scale * 100)} low=${10} high=${300} step=${1} unit=" %" onInput=${(value) => set({ scale: value / 100 })} />
      <${Slider} label="Turn" about="Degrees, counter-clockwise" value=${placing.rotate} low=${-180} high=${180} step=${1} unit="°" onInput=${(value) => set({ rotate: value })} />
      <label class="field check"><input type="checkbox" checked=${placing.flip} onChange=${(event) => set({ flip: event.target.checked })} /><span>Mirror</span></label>`
    }
    <div class="row">
      ${others.map(
        (
          tool,
        ) => html`<${Button} key=${tool.name} icon=${tool.icon || "check"} label=${`${titleOf(tool)}: ${tool.about}`}
          keys=${tool.icon === "trash" ? "Delete" : ""} isDisabled=${!selected} onPress=${() => hand.applyOther(tool)}>${titleOf(tool)}<//>`,
      )}
    </div>
    <${ApplyRow} isReady=${Boolean(selected)} />`;
}

function sizeOf({ left, top, right, bottom }) {
  return `Chosen: ${right - left} × ${bottom - top} pixels at ${left}, ${top}.`;
}

function DragPanel() {
  const { drags, anchors } = pins.value;
  const hand = studio.hand.value;
  return html`
    ${
      hand?.canAnchor &&
      html`<${Button} icon="anchor" label="Set anchors" isPressed=${isAnchoring.value} keys="Alt + click" onPress=${() => {
        isAnchoring.value = !isAnchoring.value;
      }}>Set anchors<//>`
    }
    <p class="hint" role="status">${drags.length ? `${count(drags.length, "point")} dragged${hand?.canAnchor ? `, ${count(anchors.length, "anchor")}` : ""}.` : "Nothing is dragged yet."}</p>
    <${ApplyRow} isReady=${drags.length > 0} />`;
}

function PadPanel({ entry, canvas }) {
  const hand = studio.hand.value;
  const isHole = entry.kind === "mask";
  const { isChanged, canUndo, does } = pad.value;
  const ways = [
    { name: "draw", title: isHole ? "Mark" : "Paint" },
    { name: "erase", title: "Erase" },
    ...(isHole ? [] : [{ name: "take", title: "Take a piece" }]),
  ];
  return html`
    ${
      isHole &&
      html`<${Choice} label="How it is marked" choices=${[{ name: "click", title: "Brush", icon: "brush" }, ...WAYS.slice(1)]} value=${choices.selecting.value} onChoose=${(
        name,
      ) => {
        choices.selecting.value = name;
      }} />`
    }
    ${!isHole && html`<${Palette} canvas=${canvas} />`}
    <${Choice} label="What the hand does" value=${isHole && does === "take" ? "draw" : does} choices=${ways} onChoose=${(
      name,
    ) => {
      pad.value = { ...pad.value, does: name };
    }} />
    ${!isHole && does === "take" && html`<p class="hint">Draw around a piece, then move it; what was there stays.</p>`}
    <${Slider} label="Size" about="Radius of the brush" value=${choices.radius.value} low=${0.5} high=${Math.max(16, Math.round(Math.max(...canvas.size) / 4))} step=${0.5} unit=" px" onInput=${(
      value,
    ) => {
      choices.radius.value = value;
    }} />
    <div class="row">
      ${!isHole && html`<${Button} icon="paste" label="Paste a picture onto it" onPress=${studio.pasteOnto}>Paste<//>`}
      <${Button} icon="undo" label="Take back the last stroke" isDisabled=${!canUndo} onPress=${studio.thenDraw(() => hand.undo())}>Back<//>
      <${Button} icon="trash" label="Clear: begin anew on the photo" isDisabled=${!isChanged} onPress=${studio.thenDraw(() => hand.clear("photo"))}>Clear<//>
      ${!isHole && html`<${Button} icon="fill" label="Begin on a plain ground of this colour" onPress=${studio.thenDraw(() => hand.clear("plain"))}>Plain<//>`}
    </div>
    <${ApplyRow} isReady=${isChanged} what="Make the picture" />`;
}

function ApplyRow({ isReady, what = "Apply" }) {
  return html`<div class="row apply">
    <${Button} icon="check" label=${what} keys="Enter" isMain isDisabled=${!isReady} onPress=${() => studio.apply()}>${what}<//>
    <${Button} icon="close" label="Cancel" keys="Esc" isDisabled=${!isReady} onPress=${() => studio.cancel()}>Cancel<//>
  </div>`;
}

const NO_SHEET = { of: null, pictures: [] };
const sheet = signal(NO_SHEET); // a comparison over an option: {of: workspace/tool, pictures: [{value, address}]}

effect(() => {
  const of = sheetKey(choices.entry.value?.tools[0]);
  if (sheet.peek().of !== of) forgetSheet();
});

function sheetKey(tool) {
  return `${store.workspace.value?.workspace}/${tool?.name}`;
}

function forgetSheet() {
  for (const { address } of sheet.peek().pictures) URL.revokeObjectURL(address);
  sheet.value = NO_SHEET;
}

function AskPanel({ tool, title }) {
  const values = choices.valuesOf(tool);
  const ranges = panelOptions(tool).filter(
    ({ kind, low, high, ...option }) =>
      kind === "int" && low !== null && high !== null && high > low && high - low < 12 && isMeant(option, values),
  );
  const isDoneAtOnce = tool.takes.includes("candidate") && panelOptions(tool).length > 0;
  return html`<div class="row apply">
      <${Button} icon="check" label=${title} isMain isShown=${!isDoneAtOnce} isDisabled=${!isReady(tool, values)} onPress=${() => studio.doTool(tool)}>${title}<//>
      ${
        optionOf(tool, "seed") &&
        html`<${Button} icon="dice" label="Another one" onPress=${() => {
          choices.choose(tool, "seed", Math.floor(Math.random() * 1000));
          studio.doTool(tool);
        }}>Another<//>`
      }
    </div>
    ${ranges.map((option) => {
      const title = `Compare every ${labelOf(option).toLowerCase()}`;
      return html`<${Button} key=${option.name} icon="film" label=${title} onPress=${() => compare(tool, option)}>${title}<//>`;
    })}
    ${
      sheet.value.pictures.length > 0 &&
      html`<div class="sheet" role="group" aria-label="Comparison">
      ${sheet.value.pictures.map(
        ({ name, label, value, address }) =>
          html`<button type="button" key=${address} aria-label=${`${label} ${value}`} onClick=${() => {
            choices.choose(tool, name, value);
            studio.tryTool(tool);
          }}><img src=${address} alt="" /><span>${value}</span></button>`,
      )}
    </div>`
    }`;
}

async function compare(tool, option) {
  forgetSheet();
  let made = { of: sheetKey(tool), pictures: [] };
  sheet.value = made;
  for (let value = option.low; value <= option.high; value++) {
    const action = actionOf(tool, { ...choices.valuesOf(tool), [option.name]: value }, {});
    const blob = await store.guarded(() => store.draftOf(store.current.value, action));
    if (!blob || sheet.value !== made) return;
    const address = URL.createObjectURL(blob);
    const picture = { name: option.name, label: labelOf(option), value, address };
    made = { ...made, pictures: [...made.pictures, picture] };
    sheet.value = made;
  }
}

function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
