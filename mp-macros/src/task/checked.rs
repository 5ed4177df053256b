//! Writes the types of a signature so that rustc tells once, at the part at fault, that one cannot travel.
//! The traits that say so are the runtime's; what rustc is not asked about is judged in `travel`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Expr, GenericArgument, PathArguments, PathSegment, Type};

/// Names behind which something may stand of which there is more to say than that it lacks serde's
/// traits. Whether it does, the runtime knows; other names are not asked, which takes rustc's time.
const HANDLES: [&str; 17] = [
    "Pool",
    "Process",
    "AsyncResult",
    "Guard",
    "File",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "Sender",
    "SyncSender",
    "Receiver",
    "JoinHandle",
    "Thread",
    "Child",
    "Condvar",
    "Barrier",
    "Instant",
];
const POINTERS: [&str; 3] = ["Rc", "Arc", "Weak"];

/// What a type is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Argument,
    Result,
    /// The same, on one thread.
    Answer,
}

/// The questions about the types of one signature.
#[derive(Default)]
pub(crate) struct Questions {
    /// Types that were asked about, and when they were excused: the same mistake is told once.
    asked: Vec<(String, TokenStream)>,
    /// Constants that hold the fault of a type, where more than one question needs it.
    faults: Vec<TokenStream>,
    /// Expressions that do not compile if there is one.
    answers: Vec<TokenStream>,
}

impl Questions {
    /// `written`, but nothing at all, of which rustc has nothing to say, if something in the
    /// signature cannot travel. `declared` is the same type with its lifetimes left to be inferred.
    pub(crate) fn checked(&mut self, written: &Type, declared: &Type, used: Use) -> TokenStream {
        if is_plain(declared) {
            return written.to_token_stream();
        }
        self.ask(declared, used, None);
        if used == Use::Result {
            let (travels, sends) = (used.probe(declared), probe(declared, "SEND"));
            self.answers.push(
                quote!(<#declared as __mp_travel::Sendable<{ !#travels || #sends }>>::CHECKED),
            );
        }
        quote!(<#written as __mp::__private::travel::Checked<{ __MP_CHECKED }>>::Type)
    }

    /// The constant that the checked types depend on.
    pub(crate) fn constant(&self) -> Option<TokenStream> {
        let (faults, answers) = (&self.faults, &self.answers);
        (!answers.is_empty()).then(|| {
            quote! {
                #[cfg(not(doc))]
                const __MP_CHECKED: usize = {
                    use __mp::__private::travel::{self as __mp_travel, Otherwise as _};
                    #(#faults)*
                    #(#answers)+*
                };
            }
        })
    }

    /// Asks about `ty` and its parts. The innermost part that cannot travel is told of, unless
    /// something `around` it travels, or is at fault as a whole.
    fn ask(&mut self, ty: &Type, used: Use, around: Option<&TokenStream>) {
        let parts = Parts::of(ty);
        let travels = used.probe(ty);
        let excused = around.map_or_else(|| travels.clone(), |it| quote!(#it || #travels));
        for part in &parts.types {
            let whole =
                parts.known.map(|_| probe(ty, "KIND")).map(|kind| quote!(|| #kind.is_whole()));
            self.ask(part, used, Some(&quote!(#excused #whole)));
        }
        let tokens = ty.to_token_stream().to_string();
        let before = self.asked.iter().filter(|(asked, _)| *asked == tokens);
        let told = before.map(|(_, excused)| quote!(|| !(#excused)));
        let unless = quote!(#excused #(#told)*);
        self.asked.push((tokens, excused));
        let (kind, reasons) = parts.reasons(ty, used, around.is_none());
        let inside = parts.types.iter().map(|part| used.probe(part));
        let fault = quote!(#kind.find(#unless, !(true #(&& #inside)*)));
        let reasons: Vec<Ident> = reasons.iter().map(|it| format_ident!("{it}")).collect();
        if reasons.is_empty() {
            let clear = quote!(#fault.is(__mp_travel::Fault::None));
            self.answers.push(quote!(<#ty as __mp_travel::Travels<{ #clear }>>::CHECKED));
            return;
        }
        let name = format_ident!("__MP_FAULT_{}", self.faults.len());
        self.faults.push(quote!(const #name: __mp_travel::Fault = #fault;));
        for reason in &reasons {
            let tells = format_ident!("{reason}Travels");
            let clear = quote!(!#name.is(__mp_travel::Fault::#reason));
            self.answers.push(quote!(<#ty as __mp_travel::#tells<{ #clear }>>::CHECKED));
        }
        let none = quote!(#name.is(__mp_travel::Fault::None));
        let clear = quote!(#none #(|| #name.is(__mp_travel::Fault::#reasons))*);
        self.answers.push(quote!(<#ty as __mp_travel::Travels<{ #clear }>>::CHECKED));
    }
}

impl Use {
    fn probe(self, ty: &Type) -> TokenStream {
        match self {
            Self::Argument => probe(ty, "ARGUMENT"),
            Self::Result | Self::Answer => probe(ty, "RESULT"),
        }
    }
}

fn probe(ty: &Type, constant: &str) -> TokenStream {
    let constant = format_ident!("MP_{constant}");
    quote!(__mp_travel::Probe::<'_, #ty>::#constant)
}

/// What a type is made of, as far as can be seen.
#[derive(Default)]
struct Parts<'a> {
    types: Vec<&'a Type>,
    /// The reason why it may be at fault whatever its parts are.
    known: Option<&'static str>,
    /// Whether it holds a trait object.
    hidden: bool,
    is_path: bool,
    is_code: bool,
}

impl<'a> Parts<'a> {
    fn of(ty: &'a Type) -> Self {
        let mut parts = Self::default();
        match ty {
            Type::Group(group) => return Self::of(&group.elem),
            Type::Paren(paren) => return Self::of(&paren.elem),
            Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| parts.add(elem)),
            Type::Array(array) => parts.add(&array.elem),
            Type::Ptr(_) => parts.known = Some("Pointer"),
            Type::FnPtr(_) => parts.is_code = true,
            Type::Path(path) => {
                let last = path.path.segments.last();
                let is = |name: &&str| last.is_some_and(|last| last.ident == name);
                parts.is_path = true;
                parts.known = match () {
                    () if HANDLES.iter().any(is) => Some("Handle"),
                    () if POINTERS.iter().any(is) => Some("Pointer"),
                    () => None,
                };
                arguments(last).for_each(|it| parts.add(it));
            }
            _ => {}
        }
        parts
    }

    fn add(&mut self, ty: &'a Type) {
        match ty {
            Type::TraitObject(_) => self.hidden = true,
            Type::Slice(slice) => self.add(&slice.elem),
            _ if is_plain(ty) => {}
            _ => self.types.push(ty),
        }
    }

    /// The fault of the type if it has one, and what that may be beside the plain one.
    fn reasons(&self, ty: &Type, used: Use, is_root: bool) -> (TokenStream, Vec<&'static str>) {
        let kind = probe(ty, "KIND");
        if self.is_code {
            return (quote!(__mp_travel::Fault::Code), vec!["Code"]);
        }
        if let Some(known) = self.known {
            return (kind, vec![known]);
        }
        if self.hidden {
            return (quote!(#kind.or(__mp_travel::Fault::Hidden, true)), vec!["Error", "Hidden"]);
        }
        if used == Use::Argument || !self.is_path {
            return (quote!(__mp_travel::Fault::Plain), Vec::new());
        }
        let error = probe(ty, "ERROR");
        if is_root {
            // The name may be an alias of a `Result`, or one such as `io::Result`.
            return (quote!(#kind.or(__mp_travel::Fault::Error, #error)), vec!["Error", "Outcome"]);
        }
        (quote!(__mp_travel::Fault::Plain.or(__mp_travel::Fault::Error, #error)), vec!["Error"])
    }
}

fn arguments(segment: Option<&PathSegment>) -> impl Iterator<Item = &Type> {
    let list = segment.and_then(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(list) => Some(&list.args),
        _ => None,
    });
    list.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Whether it is one of the usual types that travel, about which there is nothing to ask.
fn is_plain(ty: &Type) -> bool {
    const NAMES: [&str; 17] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize", "String",
    ];
    match ty {
        Type::Group(group) => is_plain(&group.elem),
        Type::Paren(paren) => is_plain(&paren.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_plain),
        Type::Array(array) => matches!(array.len, Expr::Lit(_)) && is_plain(&array.elem),
        // Others were refused.
        Type::Reference(_) => true,
        Type::Path(path) if path.qself.is_none() && path.path.leading_colon.is_none() => {
            let Some(only) = path.path.segments.first() else { return false };
            let is = |name: &&str| only.ident == name;
            let wraps = ["Vec", "Option"].iter().any(is);
            path.path.segments.len() == 1
                && (NAMES.iter().any(is) || wraps && arguments(Some(only)).all(is_plain))
        }
        _ => false,
    }
}
