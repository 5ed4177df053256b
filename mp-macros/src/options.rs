//! What stands in the parentheses of an attribute: `name = ".."`, `as = Name`, `proxy = Name`, `crate = path`.
//! What each one does stands in the `expand` files.

use crate::fallback::Refusals;
use crate::paths::Root;
use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, LitStr, Path, Result, Token};

/// What an attribute was given.
pub(crate) struct Options {
    /// `crate = path`.
    pub(crate) root: Root,
    /// `name = ".."`, for tasks only.
    pub(crate) name: Option<LitStr>,
    /// `as = Name`, for tasks only.
    pub(crate) alias: Option<Ident>,
    /// `proxy = Name`, for managed types only.
    pub(crate) proxy: Option<Ident>,
}

/// Which attribute the options are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Task,
    Main,
    Test,
    Manager,
}

impl For {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Task => &["name", "as", "crate"],
            Self::Main | Self::Test => &["crate"],
            Self::Manager => &["proxy", "crate"],
        }
    }

    fn known(self) -> &'static str {
        match self {
            Self::Task => "`#[mp::task]` takes `name = \"..\"`, `as = Name` and `crate = path`",
            Self::Main => "`#[mp::main]` takes `crate = path` only",
            Self::Test => "`#[mp::test]` takes `crate = path` only",
            Self::Manager => "`#[mp::manager]` takes `proxy = Name` and `crate = path`",
        }
    }
}

#[derive(Default)]
struct Given {
    name: Option<LitStr>,
    alias: Option<Ident>,
    proxy: Option<Ident>,
    root: Option<Path>,
}

impl Options {
    /// Reads what it can; every mistake goes to `refusals`.
    pub(crate) fn parse(tokens: TokenStream, macro_: For, refusals: &mut Refusals) -> Self {
        let mut given = Given::default();
        let parser = |input: ParseStream<'_>| -> Result<()> {
            while !input.is_empty() {
                if let Err(error) = given.read_one(input, macro_) {
                    refusals.absorb(error);
                    skip_to_comma(input)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            refusals.absorb(error);
        }
        let Given { name, alias, proxy, root } = given;
        Self { root: Root::new(root), name, alias, proxy }
    }
}

impl Given {
    fn read_one(&mut self, input: ParseStream<'_>, macro_: For) -> Result<()> {
        let unknown = |what: String, meant: String| {
            format!("unknown option{what}: {meant}{}", macro_.known())
        };
        let Ok(key) = input.call(Ident::parse_any) else {
            return Err(input.error(unknown(String::new(), String::new())));
        };
        let (is_task, is_manager) = (macro_ == For::Task, macro_ == For::Manager);
        match key.to_string().as_str() {
            "name" if is_task => once(&mut self.name, &key, value(input, &key, read_name)?),
            "as" if is_task => once(&mut self.alias, &key, value(input, &key, read_alias)?),
            "proxy" if is_manager => once(&mut self.proxy, &key, value(input, &key, read_proxy)?),
            "crate" => once(&mut self.root, &key, value(input, &key, read_path)?),
            given => {
                let meant = macro_.names().iter().find(|name| is_near(given, name));
                let meant = meant.map(|name| format!("did you mean `{name}`? "));
                let text = unknown(format!(" `{key}`"), meant.unwrap_or_default());
                Err(Error::new(key.span(), text))
            }
        }
    }
}

/// Whether one slip of the finger leads from one to the other: a letter more, less, another, or two
/// in the wrong order.
fn is_near(given: &str, name: &str) -> bool {
    let (given, name): (Vec<char>, Vec<char>) = (given.chars().collect(), name.chars().collect());
    let same = given.iter().zip(&name).take_while(|(a, b)| a == b).count();
    let (given, name) = (&given[same..], &name[same..]);
    let ends = |at: usize, of: usize| given.get(at..).is_some_and(|it| Some(it) == name.get(of..));
    let swapped = given.len() > 1
        && name.len() > 1
        && (given[0], given[1]) == (name[1], name[0])
        && ends(2, 2);
    swapped || ends(1, 0) || ends(0, 1) || ends(1, 1)
}

fn once<T>(slot: &mut Option<T>, key: &Ident, value: T) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(key.span(), format!("`{key}` is given twice"))),
    }
}

fn value<T>(
    input: ParseStream<'_>,
    key: &Ident,
    read: fn(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    if input.parse::<Token![=]>().is_err() {
        return Err(Error::new(key.span(), format!("`{key}` needs a value: `{key} = ..`")));
    }
    read(input)
}

fn read_name(input: ParseStream<'_>) -> Result<LitStr> {
    match input.parse::<LitStr>() {
        Ok(name) if !name.value().is_empty() => Ok(name),
        Ok(name) => Err(Error::new(name.span(), "the name of a task cannot be empty")),
        Err(error) => Err(Error::new(error.span(), "`name` takes a string: `name = \"..\"`")),
    }
}

fn read_alias(input: ParseStream<'_>) -> Result<Ident> {
    input
        .parse()
        .map_err(|error| Error::new(error.span(), "`as` takes a name for the task: `as = Name`"))
}

fn read_proxy(input: ParseStream<'_>) -> Result<Ident> {
    input.parse().map_err(|error| {
        Error::new(error.span(), "`proxy` takes a name for the proxy's type: `proxy = Name`")
    })
}

fn read_path(input: ParseStream<'_>) -> Result<Path> {
    input.call(Path::parse_mod_style).map_err(|error| {
        Error::new(error.span(), "`crate` takes a path, without quotes: `crate = my_crate::mp`")
    })
}

fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
