using System.Reflection;

namespace StreamingCnn.Docs.Tests.PublicApi;

/// <summary>Types as C# writes them, with a question mark where null is allowed.</summary>
internal static class ApiTypeName
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(char)] = "char",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
    };

    /// <summary>A type by itself.</summary>
    public static string Of(Type type) => Of(type, null);

    /// <summary>The type of a parameter, property or field.</summary>
    /// <param name="type">The type.</param>
    /// <param name="nullability">What is known of null in it; null for nothing.</param>
    public static string Of(Type type, NullabilityInfo? nullability)
    {
        if (type.IsByRef || type.IsPointer)
            return Of(type.GetElementType()!, nullability?.ElementType ?? nullability) + (type.IsPointer ? "*" : "");
        if (Nullable.GetUnderlyingType(type) is { } value)
            return $"{Of(value, nullability?.GenericTypeArguments.FirstOrDefault())}?";
        var mark = nullability is { ReadState: NullabilityState.Nullable } && !type.IsValueType ? "?" : "";
        if (type.IsArray)
            return $"{Of(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        if (type.IsGenericParameter)
            return type.Name + mark;
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword + mark;
        string[] arguments =
        [
            .. type.GetGenericArguments().Select((argument, i) => Of(argument, nullability?.GenericTypeArguments.ElementAtOrDefault(i))),
        ];
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true)
            return $"({string.Join(", ", arguments)})";
        var name = type.Name.Split('`')[0];
        // A nested type repeats the arguments of the one around it.
        if (type.DeclaringType is { } outer)
            return $"{Of(outer)}.{name}{mark}";
        return arguments.Length == 0 ? name + mark : $"{name}<{string.Join(", ", arguments)}>{mark}";
    }
}
