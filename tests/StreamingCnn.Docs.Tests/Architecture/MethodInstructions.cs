using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>Reads compiled methods.</summary>
internal static class MethodInstructions
{
    private static readonly Dictionary<int, OpCode> Codes = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value);

    /// <summary>A method's instructions, each with the type, field or method that it mentions; nil where it mentions none.</summary>
    public static IReadOnlyList<(OpCode Code, EntityHandle Mentioned)> Of(MethodBodyBlock body)
    {
        var found = new List<(OpCode, EntityHandle)>();
        var reader = body.GetILReader();
        while (reader.RemainingBytes > 0)
        {
            int value = reader.ReadByte();
            if (value == 0xfe)
                value = 0xfe00 | reader.ReadByte();
            var code = Codes[value];
            EntityHandle mentioned = default;
            switch (code.OperandType)
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    mentioned = MetadataTokens.EntityHandle(reader.ReadInt32());
                    break;
                case OperandType.InlineSwitch:
                    var targets = reader.ReadInt32();
                    reader.Offset += 4 * targets;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    reader.Offset += 8;
                    break;
                case OperandType.InlineVar:
                    reader.Offset += 2;
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    reader.Offset += 1;
                    break;
                case OperandType.InlineNone:
                    break;
                default:
                    reader.Offset += 4;
                    break;
            }

            found.Add((code, mentioned));
        }

        return found;
    }
}
