using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace StreamingCnn.Docs.Tests.PublicApi;

/// <summary>What an assembly offers to those who refer to it, as text: a line for each type, and below it one for each member.</summary>
internal static class ApiText
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nulls = new();

    // By name: another assembly has a type that is called the same.
    private static readonly Type Required = typeof(object).Assembly.GetType("System.Runtime.CompilerServices.RequiredMemberAttribute")!;

    /// <summary>The lines, in an order that does not depend on that of the source.</summary>
    public static IEnumerable<string> Of(Assembly assembly)
    {
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            yield return Head(type);
            foreach (var line in Members(type).Distinct().Order(StringComparer.Ordinal))
                yield return $"  {line}";
        }
    }

    private static string Head(Type type)
    {
        var name = $"{type.Namespace}.{ApiTypeName.Of(type)}";
        if (typeof(Delegate).IsAssignableFrom(type))
            return $"delegate {Signature(type.GetMethod("Invoke")!, name)}";
        var kind = type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : type.IsValueType ? (IsReadOnly(type) ? "readonly struct" : "struct")
            : IsRecord(type) ? "record" : "class";
        var state = type.IsEnum || type.IsInterface || type.IsValueType ? ""
            : type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "";
        string[] bases =
        [
            .. type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && !type.IsEnum
                ? (string[])[ApiTypeName.Of(parent)] : [],
            .. type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []).Where(one => one.IsVisible)
                .Where(one => !(one.IsGenericType && one.GetGenericTypeDefinition() == typeof(IEquatable<>)))
                .Select(ApiTypeName.Of).Order(StringComparer.Ordinal),
        ];
        return $"{state}{kind} {name}{(bases.Length > 0 && !type.IsEnum ? $" : {string.Join(", ", bases)}" : "")}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
            yield break;
        if (type.IsEnum)
        {
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                yield return string.Create(CultureInfo.InvariantCulture, $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}");
            yield break;
        }

        foreach (var field in type.GetFields(Declared)
            .Where(field => field.IsPublic || IsForHeirs(field.IsFamily, field.IsFamilyOrAssembly)))
        {
            var words = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
            var value = field.IsLiteral ? $" = {Literal(field.GetRawConstantValue())}" : "";
            yield return $"{Access(field.IsPublic)}{words}{ApiTypeName.Of(field.FieldType, Nulls.Create(field))} {field.Name}{value}";
        }

        foreach (var constructor in type.GetConstructors(Declared).Where(IsVisible).Where(one => !IsOfCompiler(one)))
        {
            yield return
                $"{Access(constructor.IsPublic)}{type.Name.Split('`')[0]}({Parameters(constructor)})";
        }

        foreach (var property in type.GetProperties(Declared).Where(one => !IsOfCompiler(one)))
        {
            var accessors = property.GetAccessors(nonPublic: true).Where(IsVisible).ToArray();
            if (accessors.Length == 0)
                continue;
            var indices = property.GetIndexParameters();
            var name = indices.Length == 0 ? property.Name : $"this[{string.Join(", ", indices.Select(Parameter))}]";
            var required = property.IsDefined(Required) ? "required " : "";
            yield return
                $"{Access(accessors.Any(one => one.IsPublic))}{Words(accessors[0])}{required}"
                + $"{ApiTypeName.Of(property.PropertyType, Nulls.Create(property))} {name} {{ {string.Join(" ", accessors.Select(Accessor).Order(StringComparer.Ordinal))} }}";
        }

        foreach (var one in type.GetEvents(Declared).Where(one => IsVisible(one.AddMethod!)))
            yield return $"{Access(one.AddMethod!.IsPublic)}{Words(one.AddMethod)}event {ApiTypeName.Of(one.EventHandlerType!)} {one.Name}";
        foreach (var method in type.GetMethods(Declared).Where(IsVisible).Where(IsWritten))
            yield return $"{Access(method.IsPublic)}{Words(method)}{Signature(method, method.Name)}";

        static string Access(bool isPublic) => isPublic ? "" : "protected ";
    }

    private static string Signature(MethodInfo method, string name)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(ApiTypeName.Of))}>" : "";
        var returned = ApiTypeName.Of(method.ReturnType, Nulls.Create(method.ReturnParameter));
        return $"{(method.ReturnType.IsByRef ? "ref " : "")}{returned} {name}{generic}({Parameters(method)})";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var word = parameter.IsOut ? "out " : parameter.IsIn ? "in " : parameter.ParameterType.IsByRef ? "ref "
            : parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "";
        var fallback = parameter.HasDefaultValue ? $" = {Literal(parameter.DefaultValue)}" : "";
        return $"{word}{ApiTypeName.Of(parameter.ParameterType, Nulls.Create(parameter))} {parameter.Name}{fallback}";
    }

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string Words(MethodInfo method) =>
        method.DeclaringType!.IsInterface ? (method.IsStatic ? "static " : "")
        : method.IsStatic ? "static "
        : method.IsAbstract ? "abstract "
        : method.GetBaseDefinition() != method ? (method.IsFinal ? "sealed override " : "override ")
        : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";

    private static string Accessor(MethodInfo accessor)
    {
        var isSetter = accessor.ReturnType == typeof(void);
        var isInit = isSetter && accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
        return (isInit ? "init" : isSetter ? "set" : "get") + ";";
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || IsForHeirs(method.IsFamily, method.IsFamilyOrAssembly);

    private static bool IsForHeirs(bool isFamily, bool isFamilyOrAssembly) => isFamily || isFamilyOrAssembly;

    // Accessors stand with their properties; what a record gets by itself goes without saying.
    private static bool IsWritten(MethodInfo method) =>
        !IsOfCompiler(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static bool IsOfCompiler(MemberInfo member) => member.IsDefined(typeof(CompilerGeneratedAttribute));

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$", Declared) is not null;

    private static bool IsReadOnly(Type type) => type.IsDefined(typeof(IsReadOnlyAttribute));
}
