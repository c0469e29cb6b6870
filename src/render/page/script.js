'use strict';
// Filters, searches, copies and changes the theme. All that is shown is there without it.
(function () {
  const root = document.documentElement;
  const each = (from, what, go) => from.querySelectorAll(what).forEach(go);

  const theme = document.getElementById('theme');
  if (theme) {
    const dark = () => root.dataset.theme
      ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    const show = () => theme.setAttribute('aria-pressed', String(dark()));
    theme.hidden = false;
    theme.addEventListener('click', () => {
      root.dataset.theme = dark() ? 'light' : 'dark';
      show();
    });
    show();
  }

  const copied = (button, well) => {
    const label = button.dataset.label || (button.dataset.label = button.textContent);
    button.textContent = well ? 'Copied' : 'Press Ctrl-C';
    button.classList.toggle('done', well);
    setTimeout(() => {
      button.textContent = label;
      button.classList.remove('done');
    }, 1600);
  };
  // Pages of files have no clipboard in some browsers: the text is selected then.
  const select = (button) => {
    const code = button.parentElement.querySelector('code');
    const area = code ? null : document.createElement('textarea');
    if (area) {
      area.value = button.dataset.copy;
      document.body.append(area);
      area.select();
    } else {
      getSelection().selectAllChildren(code);
    }
    const well = document.execCommand('copy');
    if (area) area.remove();
    copied(button, well);
    button.focus();
  };
  each(document, 'button.copy', (button) => button.addEventListener('click', () => {
    if (!navigator.clipboard) return select(button);
    navigator.clipboard.writeText(button.dataset.copy)
      .then(() => copied(button, true), () => select(button));
  }));

  each(document, 'section.failures', (section) => {
    const bar = section.querySelector('.bar2');
    const shown = section.querySelector('.shown');
    const find = section.querySelector('input[type=search]');
    const all = Array.from(section.querySelectorAll('.fail, .row'));
    // Of rows nothing else is searched than what they show.
    const texts = all.map((one) => one.dataset.text
      || `${one.textContent} ${one.dataset.cause} ${one.dataset.backend}`.toLowerCase());
    const wanted = { got: 'all', cause: '', backend: '' };
    const apply = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      all.forEach((one, place) => {
        const fits = (wanted.got === 'all' || one.dataset.got === wanted.got)
          && (!wanted.cause || one.dataset.cause === wanted.cause)
          && (!wanted.backend || one.dataset.backend === wanted.backend)
          && words.every((word) => texts[place].includes(word));
        one.hidden = !fits;
        if (fits) count += 1;
      });
      each(section, '.rows', (rows) => {
        rows.hidden = !rows.querySelector('.row:not([hidden])');
      });
      shown.textContent = count === all.length ? '' : `${count} of ${all.length} shown`;
    };
    bar.hidden = false;
    each(section, '.chip', (chip) => chip.addEventListener('click', () => {
      wanted.got = chip.dataset.f;
      each(section, '.chip', (one) => one.setAttribute('aria-pressed', String(one === chip)));
      apply();
    }));
    each(section, 'select[data-by]', (pick) => pick.addEventListener('change', () => {
      wanted[pick.dataset.by] = pick.value;
      apply();
    }));
    find.addEventListener('input', apply);
  });
}());
