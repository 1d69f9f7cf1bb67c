using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Text;
using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>A layer's integer functions along one axis, as text.</summary>
internal static class AxisMapText
{
    private const int Samples = 16;

    private static readonly ConcurrentDictionary<Type, FieldInfo[]> Fields = new();

    /// <summary>Appends the text of a map.</summary>
    /// <returns>
    /// Whether two maps with the same text are the same functions. The library's own maps are their type and their fields. Those of users
    /// may rest on anything, so there are samples.
    /// </returns>
    public static bool Append(StringBuilder text, AxisMap map)
    {
        text.Append('(').Append(map.GetType().FullName);
        var isWhole = map.GetType().Assembly == typeof(AxisMap).Assembly ? AppendFields(text, map) : AppendSamples(text, map);
        text.Append(')');
        return isWhole;
    }

    private static bool AppendFields(StringBuilder text, AxisMap map)
    {
        var isWhole = true;
        foreach (var field in Fields.GetOrAdd(map.GetType(), FieldsOf))
        {
            var value = field.GetValue(map);
            if (value is AxisMap inner)
                isWhole &= Append(text, inner);
            else if (value is not null && field.FieldType.IsPrimitive)
                text.Append(CultureInfo.InvariantCulture, $" {value}");
            else
                isWhole = false;
        }

        return isWhole;
    }

    private static bool AppendSamples(StringBuilder text, AxisMap map)
    {
        text.Append(CultureInfo.InvariantCulture, $" {map.InputLength} {map.OutputLength}");
        for (var sample = 0; sample <= Samples; sample++)
        {
            var (input, output) = (map.InputLength * sample / Samples, map.OutputLength * sample / Samples);
            text.Append(CultureInfo.InvariantCulture, $" {map.VirtualCut(input)} {map.Required(output)} {map.FirstNeeded(output)}");
            if (output < map.OutputLength)
                text.Append(CultureInfo.InvariantCulture, $" {map.Span(output, output + 1)}");
        }

        return false;
    }

    private static FieldInfo[] FieldsOf(Type type)
    {
        const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        var fields = new List<FieldInfo>();
        for (var own = type; own != typeof(object); own = own.BaseType!)
            fields.AddRange(own.GetFields(Declared));
        return [.. fields];
    }
}
